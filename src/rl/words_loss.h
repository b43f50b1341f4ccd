#pragma once

#include <cstddef>
#include <vector>

#include "base/run_log.h"
#include "rl/losses.h"
#include "rl/rollout.h"
#include "rl/settings.h"
#include "rl/words_models.h"

namespace rl {

// What the words learn from a minibatch: the losses of losses.h, kl.h, preference_losses.h and
// reward_weighted.h, put together as the settings say.
struct WordsLoss {
  torch::Tensor total;      // 0-dim, differentiable: what a step goes down
  PpoLoss policy = {};      // by advantages only
  ValueLoss values = {};    // ppo only
  double policy_loss = 0;   // without value, KL and entropy
  double value_loss = 0;    // ppo only
  base::Metrics more = {};  // of the algorithm's own
};

struct WordsLossOptions {
  const RlSettings& settings;  // resolved() and checked
  double beta = 0;             // price of a nat, where the KL is in the loss
  Learner learner = Learner::all;
};

// The minibatch `chosen` of a rollout (numbers of its episodes), scored anew by the policy and the
// critic as they are. One of four ways:
//   by advantages   ppo, grpo, rloo, reinforce_pp: clipped surrogate, values, KL, entropy
//   by imitation    best_of_n, reward_weighted, sft: weighted cross-entropy
//   by pairs        dpo: `chosen` is preferred and rejected in turn
//   by judgements   kto: its reference point is of the minibatch's replies after other states
// Where only the critic learns, the total is the value loss.
WordsLoss words_loss(const WordsModels& models, const Rollout& rollout,
                     const std::vector<std::size_t>& chosen, const WordsLossOptions& options);

}  // namespace rl
