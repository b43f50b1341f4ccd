#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dialogue/dialogue.h"

namespace corpus {

struct SplitSettings {
  std::string by = "time";
  double validation = .1;
  double test = .1;
  std::string hold_out_from;
  std::string validation_ids;
  std::string test_ids;
  std::int64_t unknown_ids = 0;
  std::int64_t seed = 1;

  template <class F>
  void fields(F&& field) {
    field("by", by,
          "time (the last dialogues), worker (both people), seeker, dialogue (at random), "
          "seed_entity (what conversations begin with), published (train, valid or test as the "
          "source says) or ids (as validation_ids and test_ids say)");
    field("validation", validation, "dialogues to validate on; below 1: a share");
    field("test", test, "dialogues to test on; below 1: a share; 0: none");
    field("hold_out_from", hold_out_from,
          "source whose dialogues may be held out (train_part); empty: any but derived ones");
    field(
        "validation_ids", validation_ids,
        "by ids: a file of dialogue ids to validate on, one a line, or JSON lines that have them");
    field("test_ids", test_ids, "by ids: the same of dialogues to test on; empty: none");
    field("unknown_ids", unknown_ids, "by ids: how many of them the corpus may lack");
    field("seed", seed, "decides splits by worker, seeker, dialogue and seed_entity");
  }
};

// Indices of dialogues, oldest first (by their order, then as they stand). Some dialogues may be in
// no split.
struct Splits {
  std::vector<int> train;
  std::vector<int> validation;
  std::vector<int> test;
  std::vector<dialogue::Dropped> dropped = {};  // what is in no split though it was to be held out
};

// Derived dialogues, those of the source train_rest_reconstructed (redial.h), are never held out:
// they may be trained on only. Parts of one conversation come into one split, except with
// published.
//
// time: test are the last dialogues (by order) of the source, validation those before; training is
//   everything, of any source, before the first held-out one. Later dialogues are left out.
// worker, seeker: no person is in two splits; dialogues of the source only, those without the ids
//   and those between people of two splits left out.
// dialogue: conversations at random; training is all that is not held out.
// seed_entity: the same with all conversations of one seed (in either case) together, so that no
//   held-out one begins as one of training does; one without a seed is alone. Dialogues that share
//   a held-out seed but may not be held out are left out.
// published: what stands before the first "_" of the source: train, valid (validation, dev) or
// test;
//   other dialogues are left out. Sizes are not used.
// ids: the dialogues (or whole conversations) that the files name; training is the rest. A line is
//   an id, or a JSON object with conversationId, dialog_id or id. Sizes are not used. Derived
//   dialogues that are named are left out and counted.
// Shares are of the dialogues that may be held out. Splits are checked as check_splits does.
// Throws base::UsageError where `by` is unknown or the sizes are negative; base::Error(data) where
// a split would be empty, and where files name more dialogues that do not exist than unknown_ids,
// or one dialogue for both splits.
Splits split_dialogues(const std::vector<dialogue::Dialogue>& dialogues,
                       const SplitSettings& settings);

// Throws base::Error(data) where training or validation is empty, or test though settings.test asks
// for one; where a derived dialogue is held out; where a dialogue, by its id too, is in two splits,
// or (except with published splits) a conversation is; with worker splits where a person is, with
// seed_entity a seed; with time splits where a held-out dialogue is not later than all of training.
void check_splits(const std::vector<dialogue::Dialogue>& dialogues, const Splits& splits,
                  const SplitSettings& settings);

}  // namespace corpus
