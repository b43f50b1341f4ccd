#pragma once

#include <vector>

#include "feedback/store.h"

namespace feedback {

// A way through a conversation's tree, from a root to a leaf: indices of its turns.
struct Path {
  std::vector<std::size_t> turns;
  // How many of the first turns another path, an earlier one of the list, has too: they count
  // there.
  std::size_t shared = 0;
};

// One a leaf, the newest leaf first: what the person went on with has the turns that others share.
// Turns are in order of seq; one whose parent is not among those before it is a root.
std::vector<Path> paths_of(const std::vector<StoredTurn>& turns);

// Indices of a turn's ancestors, the root first, without the turn.
std::vector<std::size_t> path_to(const std::vector<StoredTurn>& turns, std::size_t turn);

}  // namespace feedback
