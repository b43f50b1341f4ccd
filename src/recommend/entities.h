#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "dialogue/catalogue.h"

namespace recommend {

inline constexpr std::size_t kLongestName = 6;  // words; a value of more is a text

// What items share: people, genres, companies, series, … — every value of the catalogue's
// attributes that is a name (at most kLongestName words). One name is one entity,
// whatever attribute it stands under: a director who acts is one person.
class Entities {
 public:
  Entities() = default;
  explicit Entities(const dialogue::Catalogue& catalogue);

  int size() const { return static_cast<int>(names_.size()); }
  const std::string& name(int entity) const { return names_[index(entity)]; }
  const std::vector<int>& items(int entity) const { return items_[index(entity)]; }
  // Entities of an item, each once.
  const std::vector<int>& of_item(int item) const { return of_item_[index(item)]; }
  bool has(int item, int entity) const;

  // Whether at least 20 items share it: it says what kind they are (a genre), not who made them.
  bool is_kind(int entity) const { return items(entity).size() >= 20; }
  // How much two items have in common that share it: 1 / (log(3 + deg) sqrt(1 + deg)), deg the
  // items that do.
  double shared_weight(int entity) const;
  // How much it says of an item that the seeker names it: 3 / log(3 + deg).
  double stated_weight(int entity) const;

  // Names of several words, as join_words gives them.
  std::vector<std::string> long_names() const;

  // The entities that a text names, the longest name first where names overlap, in order of first
  // use. words: as words_of gives them. A name of one word counts only where it is a kind:
  // "rain" is rarely the actor.
  std::vector<int> named_in(const std::vector<std::string>& words) const;

 private:
  static std::size_t index(int i) { return static_cast<std::size_t>(i); }

  std::vector<std::string> names_;
  std::vector<std::vector<int>> items_, of_item_;
  std::unordered_map<std::string, int> by_words_;              // "tom hanks"
  std::unordered_map<std::string, std::size_t> longest_with_;  // "tom": words of the longest name
};

}  // namespace recommend
