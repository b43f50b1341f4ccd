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
  double max_share = 1;  // of the labels that one person may have; what is above is left out
  AttributionSettings attribution = {};
};

// What may be learned from: conversations whose owner agreed to training and has not taken it back,
// without those that are flagged. All of it is in memory.
struct Harvest {
  std::int64_t as_of = 0, at = 0;  // as they were resolved
  AttributionSettings attribution;
  std::vector<ConversationRecord>
      records;  // of the decisions what was shown, no candidates, no details
  // Every item that the records and their candidates name, also those of records that max_share
  // left out, with the titles that decisions gave them, by first appearance.
  dialogue::Catalogue catalogue;
  std::vector<std::vector<std::string>>
      suspicions;                    // one list a record; empty lists unless included
  std::int64_t without_consent = 0;  // conversations left out
  std::int64_t flagged = 0;          // conversations with suspicions
  std::int64_t above_share = 0;      // conversations left out for max_share
  std::int64_t people = 0;
  // Of the items with an outcome or an opinion, the part of the one person with most.
  double largest_share = 0;
  std::int64_t large_people = 0;  // with more than a hundredth of them
};
// Throws base::DataError where there are too few people for max_share.
Harvest harvest(const Store& store, const HarvestOptions& options);

// Dialogues over the harvest's own catalogue, or over a given one. Throws base::DataError naming
// `where` and the items where the given one lacks some.
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
// that the person went on from after asking for another. Over the harvest's catalogue.
dialogue::Preferences to_preferences(const Harvest& harvest);

// A table of what was shown and what came of it, a line an item, with a line of names first. Commas
// between, texts in quotes where they need them.
std::string to_csv(const Harvest& harvest);

}  // namespace feedback
