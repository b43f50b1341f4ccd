#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "dialogue/sentiment.h"
#include "recommend/model_folder.h"
#include "reward/reward_model.h"
#include "rl/click_trainer.h"
#include "rl/item_trainer.h"
#include "rl/replies.h"
#include "rl/settings.h"
#include "train/stage.h"

namespace rl {

// Measures a policy by what is never optimised (true satisfaction in a world, say); nothing where
// there is no judge.
using GoldJudge = std::function<std::optional<double>(const recommend::TrainedModel& policy)>;

struct PolicyInput {
  const recommend::TrainedModel& start;  // the SFT model: start and reference
  const reward::RewardModel& reward;
  const std::vector<const dialogue::Dialogue*>&
      dialogues;  // their recommender's turns give the states
  GoldJudge gold;
  torch::Dtype type = torch::kFloat32;
  // Where items_have_worth(settings): what they are worth, in place of the reward model.
  ItemWorth item_worth = {};
  // Pairs for dpo, replies alone for kto, which then learn the words from these and not from the
  // reward model. Empty: from the reward model.
  std::vector<std::vector<JudgedReply>> judged = {};
  // Reads how cheerful the replies' words are, to see whether that is all their score says; may be
  // empty.
  dialogue::SentimentFunction sentiment = {};
};

struct PolicyResult {
  recommend::TrainedModel policy;
  int iterations = 0;
  double words_kl = 0, item_kl = 0;  // of the policy at the end, nats a reply and a context
};

// Improves the start model by settings.algorithm (docs/rl.md) over both kinds of action: the words
// (words_trainer.h; their replies come from reply_source.h) and the item slot (item_trainer.h),
// each with its own KL budget and controller. ppo, grpo, rloo and reinforce_pp learn from the
// policy's own replies; dpo, kto, best_of_n and reward_weighted from the start model's, drawn anew
// at every iteration and judged by the reward model; sft from what the logs' recommenders said, at
// both, for as many steps; a step of theirs that goes over the words' budget of KL (kl_target) is
// taken back, and the next ones are smaller. Where settings.items is "clicks", the item slot learns
// from the dialogues' accept events (click_trainer.h) and the words from `judged` or not at all.
// Goes on from the stage's newest checkpoint, bit-exactly. Invariants that are always checked: the
// policy is the reference at the first iteration (KL 0), the ratio is 1 at the first minibatch of
// every rollout, and for algorithms that learn by
// advantages in fp32 the sampler's log-probabilities are those that are learned from.
// Throws base::UsageError for settings that check_algorithm refuses.
PolicyResult train_policy(const PolicyInput& input, const RlSettings& settings,
                          const train::Stage& stage);

}  // namespace rl
