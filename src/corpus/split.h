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
  std::int64_t seed = 1;

  template <class F>
  void fields(F&& field) {
    field("by", by,
          "time (the last dialogues), worker (both people), seeker, or dialogue (at random)");
    field("validation", validation, "dialogues to validate on; below 1: a share");
    field("test", test, "dialogues to test on; below 1: a share; 0: none");
    field("hold_out_from", hold_out_from,
          "source whose dialogues may be held out (train_part); empty: any");
    field("seed", seed, "decides splits by worker, seeker and dialogue");
  }
};

// Indices of dialogues, oldest first (by their order, then as they stand). Some dialogues may be in
// no split.
struct Splits {
  std::vector<int> train;
  std::vector<int> validation;
  std::vector<int> test;
};

// time: test are the last dialogues (by order) of the source, validation those before; training is
//   everything, of any source, before the first held-out one. Later dialogues are left out.
// worker, seeker: no person is in two splits; dialogues of the source only, those without the ids
//   and those between people of two splits left out.
// dialogue: at random; training is all that is not held out.
// Shares are of the dialogues that may be held out. Splits are checked as check_splits does.
// Throws base::UsageError where `by` is unknown or the sizes are negative; base::Error(data) where
// a split would be empty.
Splits split_dialogues(const std::vector<dialogue::Dialogue>& dialogues,
                       const SplitSettings& settings);

// Throws base::Error(data) where training or validation is empty, or test though settings.test asks
// for one; where a dialogue, by its id too, is in two splits; with worker splits where a person is;
// with time splits where a held-out dialogue is not later than all of training.
void check_splits(const std::vector<dialogue::Dialogue>& dialogues, const Splits& splits,
                  const SplitSettings& settings);

}  // namespace corpus
