#pragma once

#include <optional>
#include <vector>

#include "metrics/bootstrap.h"
#include "pipeline/run.h"
#include "recommend/model_folder.h"
#include "reward/language_scorer.h"
#include "reward/response_scorer.h"
#include "reward/reward_model.h"

namespace pipeline {

// What scores the words of replies, and how well it does on the held-out dialogues.
struct WordsReward {
  reward::ResponseScorer scorer;
  std::optional<reward::LanguageScorer> language;
  std::optional<metrics::Interval> quality;
};

// Trains on the known outcomes what reward.words asks for. A language model learns what of the
// blend the state does not foretell; a tenth of the known dialogues says when it is to stop.
WordsReward train_words(const Run& run, const recommend::TrainedModel& sft,
                        const std::vector<reward::ResponseOutcome>& known,
                        const std::vector<reward::ResponseOutcome>& held_out);

// Gives the rewards mean 0 and deviation 1 on what the SFT model itself says and recommends.
void calibrate_on_samples(reward::RewardModel& model, const recommend::TrainedModel& sft,
                          const Run& run, const std::vector<dialogue::Dialogue>& dialogues);

}  // namespace pipeline
