#pragma once

#include <vector>

#include "base/random.h"
#include "dialogue/state.h"

namespace rl {

// A recommender's turn of a training dialogue, which the policy may be put in the place of.
struct Place {
  const dialogue::Dialogue* dialogue;
  std::size_t turn;
  int target = -1;  // a new item that was recommended there
};

struct Places {
  std::vector<Place> all;
  std::vector<Place> recommending;  // those of `all` with a target
  std::vector<Place> imitable;      // those whose turn the policy could have said: at most one item
};
Places find_places(const std::vector<const dialogue::Dialogue*>& dialogues);

// Drawn with replacement, each place equally likely.
std::vector<Place> draw_places(const std::vector<Place>& places, int count,
                               const base::RandomPlace& at);

std::vector<dialogue::State> states_before(const std::vector<Place>& places,
                                           const dialogue::StateOptions& options);

}  // namespace rl
