#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "recommend/model_folder.h"
#include "reward/reward_model.h"
#include "rl/ppo_settings.h"
#include "train/stage.h"

namespace rl {

// Measures a policy by what is never optimised (true satisfaction in a world, say); nothing where
// there is no judge.
using GoldJudge = std::function<std::optional<double>(const recommend::TrainedModel& policy)>;

struct PpoInput {
  const recommend::TrainedModel& start;  // the SFT model: start and reference
  const reward::RewardModel& reward;
  const std::vector<const dialogue::Dialogue*>&
      dialogues;  // their recommender's turns give the states
  GoldJudge gold;
  torch::Dtype type = torch::kFloat32;
};

struct PpoResult {
  recommend::TrainedModel policy;
  int iterations = 0;
  double words_kl = 0, item_kl = 0;  // of the last rollout
};

// Proximal policy optimisation over both kinds of action: the words (mode and response tokens,
// clipped surrogate, value head, k1 KL in the reward) and the item slot (exact expected gradient).
// Each has its own KL budget and controller. Goes on from the stage's newest checkpoint,
// bit-exactly. Invariants that are always checked: the policy is the reference at the first
// iteration (KL 0), and the ratio is 1 at the first minibatch of every rollout.
PpoResult train_ppo(const PpoInput& input, const PpoSettings& settings, const train::Stage& stage);

}  // namespace rl
