#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dialogue/dialogue.h"
#include "feedback/store.h"

namespace feedback {

struct ImportOptions {
  std::string secret;      // the store's: people become subjects with it
  std::int64_t begun = 0;  // when the first dialogue began, where the dialogues do not say
};

struct Imported {
  std::vector<Batch> batches;              // one a dialogue, without consents
  std::vector<dialogue::Dropped> dropped;  // events that the store has no place for
};

// Dialogues as rows. The same dialogues give the same ids, so that bringing them in twice is as
// good as once: ids that are UUIDs are kept, others are made of conversation, turn and what
// happened. People that are no subjects yet (64 hexadecimal digits) become HMACs of their ids.
//   order        milliseconds since 1970, where it is one of this century; else counted from
//   `begun` shown items  a decision without propensities, of the items that the turn names dwell
//   one page a event; seconds of an export (source "feedback") are those that it had accept from
//   .95 a conversation's conversion, from .5 item_open; less is left out labels       seen, and a
//   rating of the item where it is liked or not
Imported to_batches(const dialogue::Corpus& corpus, const ImportOptions& options);

}  // namespace feedback
