#pragma once

#include <torch/types.h>

namespace rl {

// The item slot is one draw from a softmax over the catalogue, and the reward model scores every
// item: the expectation over it and its gradient are exact, no sampling.
struct ItemSlotOptions {
  double beta = 1;            // price of KL to the reference
  double reward_clip = 4;     // rewards are held within +- this
  double cross_entropy = .3;  // weight of what people did recommend
};

struct ItemSlotLoss {
  torch::Tensor loss;  // 0-dim, differentiable: -(E[reward] - beta KL) + cross_entropy * CE
  double reward = 0;   // E over the policy, mean over the states
  double reference_reward = 0;  // the same over the reference
  double kl = 0;                // KL(policy || reference), mean over the states, exact
  double entropy = 0;
};

// log_probs, reference: [B, N] natural log-probabilities over new items (masked ones below -1e8).
// rewards: [B, N]. targets: [B] int64, an item that was recommended there, or -1.
ItemSlotLoss item_slot_loss(const torch::Tensor& log_probs, const torch::Tensor& reference,
                            const torch::Tensor& rewards, const torch::Tensor& targets,
                            const ItemSlotOptions& options = {});

}  // namespace rl
