#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "feedback/store.h"

namespace feedback {

// What somebody says of an item that was shown.
struct ItemOpinion {
  std::optional<int> rating;  // -1 or 1
  bool seen = false;          // before
  bool not_interested = false;
  std::vector<std::string> reasons;  // of the newest of them that gave any

  bool says_anything() const { return rating || seen || not_interested; }
};

// The same of a whole turn, and of the items that it showed, by their ids.
struct TurnOpinion {
  std::optional<int> rating;
  std::vector<std::string> reasons;
  std::map<std::string, ItemOpinion> items;
};

// By turn: what people said of it last. The newest rating wins, 0 takes it back; seen and
// not_interested with a value of false take these back, and so does `undo` about an item
// not_interested. `undo` without an item is of an edit or another reply: it takes nothing back that
// was said. Newest by the corrected time, then by the page's own count, so that the order of
// arrival does not matter.
std::map<std::string, TurnOpinion> newest_opinions(const std::vector<StoredEvent>& events);

}  // namespace feedback
