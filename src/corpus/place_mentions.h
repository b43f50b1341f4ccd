#pragma once

#include <string>
#include <vector>

#include "dialogue/dialogue.h"
#include "dialogue/find_names.h"

namespace corpus {

// All places of the text that name an item, as dialogue::NameFinder finds them, sorted. A name's id
// is its item.
std::vector<dialogue::Mention> place_mentions(const std::string& text,
                                              const std::vector<dialogue::Name>& names);

struct PlacedMentions {
  std::vector<dialogue::Mention> mentions;
  int without_place = 0;
};

// The same with every name's item at least once: one that is not named by whole words is looked for
// as letters anywhere, and if they are not there either has an empty mention at the text's end.
PlacedMentions place_all_mentions(const std::string& text,
                                  const std::vector<dialogue::Name>& names);

// The items' titles as names.
std::vector<dialogue::Name> titles_of(const std::vector<int>& items,
                                      const dialogue::Catalogue& catalogue);

}  // namespace corpus
