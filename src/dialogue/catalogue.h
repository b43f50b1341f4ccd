#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace dialogue {

// Something that can be recommended.
struct Item {
  std::string id;      // the data set's own
  std::string title;   // "Heat (1995)"
  std::string domain;  // "movie", "book", …; may be empty
  std::optional<int> year;
  std::map<std::string, std::vector<std::string>> attributes;  // "genre" -> {"crime", "drama"}
};

// All items there are, numbered 0 … N-1 in a fixed order. Elsewhere an item is its number here.
class Catalogue {
 public:
  Catalogue() = default;
  // Throws base::Error(data) where two items share an id.
  explicit Catalogue(std::vector<Item> items);

  int size() const { return static_cast<int>(items_.size()); }
  const Item& operator[](int item) const { return items_[static_cast<std::size_t>(item)]; }
  const std::vector<Item>& items() const { return items_; }
  std::optional<int> find(const std::string& id) const;

 private:
  std::vector<Item> items_;
  std::unordered_map<std::string, int> numbers_;
};

}  // namespace dialogue
