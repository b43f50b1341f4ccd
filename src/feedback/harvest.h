#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dialogue/dialogue.h"
#include "dialogue/preferences.h"
#include "feedback/attribution.h"
#include "feedback/store.h"

namespace feedback {

struct HarvestOptions {
  std::int64_t as_of = 0;  // rows up to this number; 0: all there are
  // When windows are looked at. 0: when the newest of these rows was written, so that the same
  // store and number always give the same.
  std::int64_t at = 0;
  enum class Flagged { leave_out, include } flagged = Flagged::leave_out;
  AttributionSettings attribution = {};
};

// What may be learned from: conversations whose owner's newest consent has training, without those
// that are flagged.
struct Harvest {
  std::int64_t as_of = 0, at = 0;  // as they were resolved
  AttributionSettings attribution;
  std::vector<ConversationRecord> records;
  std::vector<std::vector<std::string>>
      suspicions;                    // one list a record; empty lists unless included
  std::int64_t without_consent = 0;  // conversations left out
  std::int64_t flagged = 0;          // conversations with suspicions
  std::int64_t people = 0;
  double largest_share =
      0;  // of the items with an outcome or an opinion, the one person's with most
  std::int64_t large_people = 0;  // with more than a hundredth of them
};
Harvest harvest(const Store& store, const HarvestOptions& options);

// The items that the records name, with the titles that decisions gave them, by first appearance.
dialogue::Catalogue items_of(const Harvest& harvest);

// Dialogues over the items that the records themselves name (decisions' titles, by first
// appearance) or over a given catalogue. Throws base::DataError naming `where` and the items where
// the given one lacks some.
struct HarvestedCorpus {
  dialogue::Corpus corpus;
  std::int64_t immature = 0;  // dialogues left out, their windows are open
};
HarvestedCorpus to_corpus(const Harvest& harvest);
HarvestedCorpus to_corpus(const Harvest& harvest, dialogue::Catalogue catalogue,
                          const std::string& where);

// Replies that people judged. Judgements: thumbs on the reply or one of its items; without
// them, false where all of its items are said not to be of interest, true where one was taken up.
// Pairs: of replies to the same words the one that was rated higher; where neither was, the one
// that the person went on from after asking for another. Over the items that the records name.
struct HarvestedPreferences {
  dialogue::Catalogue catalogue;
  dialogue::Preferences preferences;
};
HarvestedPreferences to_preferences(const Harvest& harvest);

// A table of what was shown and what came of it, a line an item, with a line of names first. Commas
// between, texts in quotes where they need them.
std::string to_csv(const Harvest& harvest);

}  // namespace feedback
