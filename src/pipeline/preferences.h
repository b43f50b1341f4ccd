#pragma once

#include <vector>

#include "dialogue/preferences.h"
#include "pipeline/run.h"
#include "recommend/model_folder.h"
#include "rl/train_policy.h"

namespace pipeline {

// What recipe.rl.preferences holds for the recipe's algorithm: dpo gets the pairs, kto the
// judgements and of each pair two. Says on the console what was left out. Throws base::DataError
// where the file is damaged or holds nothing for the algorithm.
std::vector<std::vector<rl::JudgedReply>> read_judged(Run& run,
                                                      const recommend::TrainedModel& model);

enum class PreferenceKind { pairs, judgements };
struct PreferenceOptions {
  PreferenceKind kind = PreferenceKind::pairs;
  bool from_logs = false;  // else the reward model judges the start model's replies
  int states = 500;        // of the reward model: how many states are answered
  int replies = 8;         // to each
};

// Preferences of a run's training dialogues. From logs, judgements: what the seeker took up and
// what not (the signal `acceptance`), where it is known. From the reward model: of the replies to
// one state (and of one mode, unless rl.learn_mode) the best before the worst, or each above or
// below their mean; where all score alike they are left out. Throws base::UsageError for pairs from
// logs.
dialogue::Preferences make_preferences(Run& run, const PreferenceOptions& options);

}  // namespace pipeline
