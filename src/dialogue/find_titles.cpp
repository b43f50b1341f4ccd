#include "dialogue/find_titles.h"

namespace dialogue {

NameFinder title_finder(const Catalogue& catalogue) {
  constexpr std::size_t kShort = 4;  // letters
  std::vector<Name> names;
  for (int i = 0; i < catalogue.size(); ++i) {
    const std::string& title = catalogue[i].title;
    const std::string spoken = title.substr(0, title.rfind(" ("));
    names.push_back({title, i});
    names.push_back({spoken, i, spoken.size() < kShort ? Name::Case::exact : Name::Case::either});
  }
  return NameFinder(names);
}

}  // namespace dialogue
