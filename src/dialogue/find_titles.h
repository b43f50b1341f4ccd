#pragma once

#include "dialogue/catalogue.h"
#include "dialogue/find_names.h"

namespace dialogue {

// Finds a catalogue's titles in what somebody typed, with or without the year in brackets. Short
// ones may be common words and count as they are written only: "Her", not "her".
NameFinder title_finder(const Catalogue& catalogue);

}  // namespace dialogue
