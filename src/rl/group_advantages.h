#pragma once

#include <vector>

#include <torch/types.h>

#include "rl/masked.h"

namespace rl {

// Advantages of whole replies, each against the others to the same state: no critic. B = replies.
// scores: [B] float. groups: B numbers; replies to one state share one. counts: [B] bool, the
// replies that take part (undefined: all); the others have advantage 0, and nobody's depends on
// them. A reply alone in its group has advantage 0. Results are [B], of the scores' type, without
// gradient; over_tokens makes [B, R] of them. Throws base::Error where sizes differ.

// What a group's centred scores are divided by.
enum class GroupScale {
  group,  // the group's own deviation + epsilon (GRPO, Shao et al. 2024): weighs easy and hard
          // states alike and makes a beta in the loss count beta * deviation
  batch,  // the deviation of all scores of the batch + epsilon
  none,   // nothing (Dr. GRPO, Liu et al. 2025, arXiv 2503.20783)
};
struct GrpoOptions {
  GroupScale scale = GroupScale::group;
  Spread spread = Spread::unbiased;
  double epsilon = 1e-4;
};

// score - the group's mean, divided as above.
torch::Tensor grpo_advantages(const torch::Tensor& scores, const std::vector<int>& groups,
                              const GrpoOptions& options = {}, const torch::Tensor& counts = {});

// score - the mean of the *others* of its group (Kool et al. 2019; Ahmadian et al. 2024, arXiv
// 2402.14740): unbiased, since the baseline does not depend on the reply. The scores have the KL in
// them: reply_rewards.
torch::Tensor rloo_advantages(const torch::Tensor& scores, const std::vector<int>& groups,
                              const torch::Tensor& counts = {});

// REINFORCE++ with baseline (Hu et al. 2025, arXiv 2501.03262): score - the group's mean at every
// token, whitened over all tokens of the batch. mask: [B, R] bool. [B, R], 0 outside the mask.
torch::Tensor reinforce_pp_baseline_advantages(const torch::Tensor& scores,
                                               const std::vector<int>& groups,
                                               const torch::Tensor& mask);

// A reply's advantage at each of its tokens: [B] and [B, R] bool -> [B, R], 0 outside the mask.
torch::Tensor over_tokens(const torch::Tensor& advantages, const torch::Tensor& mask);

}  // namespace rl
