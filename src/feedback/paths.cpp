#include "feedback/paths.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

namespace feedback {
namespace {

// Index of each turn's parent; nothing at roots. A parent always stands before its children.
std::vector<std::optional<std::size_t>> parents_of(const std::vector<StoredTurn>& turns) {
  std::unordered_map<std::string, std::size_t> known;
  std::vector<std::optional<std::size_t>> parents(turns.size());
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const auto parent = known.find(turns[i].parent);
    if (parent != known.end()) parents[i] = parent->second;
    known[turns[i].id] = i;
  }
  return parents;
}

std::vector<std::size_t> from_root(const std::vector<std::optional<std::size_t>>& parents,
                                   std::optional<std::size_t> turn) {
  std::vector<std::size_t> path;
  for (; turn; turn = parents[*turn]) path.push_back(*turn);
  std::reverse(path.begin(), path.end());
  return path;
}

}  // namespace

std::vector<Path> paths_of(const std::vector<StoredTurn>& turns) {
  const auto parents = parents_of(turns);
  std::vector<bool> is_leaf(turns.size(), true), counted(turns.size(), false);
  for (const auto& parent : parents)
    if (parent) is_leaf[*parent] = false;
  std::vector<Path> paths;
  for (std::size_t leaf = turns.size(); leaf-- > 0;) {
    if (!is_leaf[leaf]) continue;
    Path path{from_root(parents, leaf), 0};
    while (path.shared < path.turns.size() && counted[path.turns[path.shared]]) ++path.shared;
    for (std::size_t turn : path.turns) counted[turn] = true;
    paths.push_back(std::move(path));
  }
  return paths;
}

std::vector<std::size_t> path_to(const std::vector<StoredTurn>& turns, std::size_t turn) {
  const auto parents = parents_of(turns);
  return from_root(parents, parents[turn]);
}

}  // namespace feedback
