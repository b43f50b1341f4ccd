#include "dialogue/catalogue.h"

#include "base/error.h"

namespace dialogue {

Catalogue::Catalogue(std::vector<Item> items) : items_(std::move(items)) {
  for (const Item& item : items_)
    if (!numbers_.emplace(item.id, static_cast<int>(numbers_.size())).second)
      throw base::Error(base::ErrorKind::data,
                        "the item id \"" + item.id + "\" appears twice in the catalogue");
}

std::optional<int> Catalogue::find(const std::string& id) const {
  const auto found = numbers_.find(id);
  return found == numbers_.end() ? std::nullopt : std::optional<int>(found->second);
}

}  // namespace dialogue
