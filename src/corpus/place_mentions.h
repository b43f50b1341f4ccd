#pragma once

#include <string>
#include <vector>

#include "dialogue/dialogue.h"

namespace corpus {

// All places of the text that name one of the items by its title, as dialogue::NameFinder finds
// them, sorted.
std::vector<dialogue::Mention> place_mentions(const std::string& text,
                                              const std::vector<int>& items,
                                              const dialogue::Catalogue& catalogue);

struct PlacedMentions {
  std::vector<dialogue::Mention> mentions;
  int without_place = 0;
};

// The same with every item at least once: one that is not named by whole words is looked for as
// letters anywhere, and if it is not there either has an empty mention at the text's end.
PlacedMentions place_all_mentions(const std::string& text, const std::vector<int>& items,
                                  const dialogue::Catalogue& catalogue);

}  // namespace corpus
