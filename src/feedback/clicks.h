#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "dialogue/dialogue.h"

namespace feedback {

inline constexpr double kTaken = .5;  // acceptance from which something was taken up

// An item that a recommender's turn showed, and whether the person took it up.
struct ShownItem {
  int item = 0;
  int place = 1;  // in the turn, from 1
  bool accepted = false;
};

// What one recommender's turn showed, in order: the items that it is the first to name. Places
// count the others, too.
struct Slate {
  const dialogue::Dialogue* dialogue = nullptr;
  std::size_t turn = 0;
  std::vector<ShownItem> items;
};

// 0 … 1: the largest accept event about an item of the turn, 0 where there is none. An event that
// names no item is about the turn's first. Nothing where no event at all is about the turn: nobody
// looked what people did there.
std::optional<double> taken_up(const dialogue::Dialogue& dialogue, std::size_t turn, int item,
                               const dialogue::Catalogue& catalogue);

// The slates of all recommender's turns that have something before them, show something new and
// have events about them, in order; of dialogues with targets, these. Accepted is what was taken up
// by kTaken or more. The dialogues must outlive them.
std::vector<Slate> read_slates(const std::vector<const dialogue::Dialogue*>& dialogues,
                               const dialogue::Catalogue& catalogue);

}  // namespace feedback
