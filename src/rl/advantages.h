#pragma once

#include <torch/types.h>

namespace rl {

// Advantages of single tokens, from rewards of single tokens (token_rewards.h). B = replies, R =
// reply tokens. A place where the mask is false, padding on either side or a gap in the middle, is
// skipped, and the estimate carried across it. No gradient flows into a result. Advantages of whole
// replies among others to the same state stand in group_advantages.h.

// Generalised advantage estimation (Schulman et al. 2016):
//   delta_t = r_t + discount * V_{t+1} - V_t,   A_t = delta_t + discount * lambda * A_{t+1}.
struct GaeOptions {
  double discount = 1.0;  // per token
  double lambda = 0.95;   // 0 = one step ahead, 1 = the whole reply
  // [B]: the value after a reply's last token, where it was cut off rather than ended. Undefined: 0
  // for all, the custom for replies.
  torch::Tensor bootstrap = {};
};

struct Advantages {
  torch::Tensor advantages;  // [B, R]; 0 where the mask is false
  torch::Tensor returns;     // [B, R]: advantages + values
};

// rewards, values: [B, R] float; V_t is the value of the state before token t. mask: [B, R] bool,
// true at reply tokens. The value after a reply's last token counts as 0 unless bootstrapped.
// Nothing is normalised. Results have the type of the rewards. Throws base::Error where shapes
// differ.
Advantages estimate_advantages(const torch::Tensor& rewards, const torch::Tensor& values,
                               const torch::Tensor& mask, const GaeOptions& options = {});

// [B, R]: the discounted sum of the rewards from each token on; 0 where the mask is false.
torch::Tensor returns_to_go(const torch::Tensor& rewards, const torch::Tensor& mask,
                            double discount = 1);

// REINFORCE++ (Hu et al. 2025, arXiv 2501.03262): returns_to_go of rewards that have the KL in
// them, whitened over all tokens of the batch, which must be the whole rollout. No critic, no
// groups. [B, R]. Throws base::Error where fewer than two tokens count.
torch::Tensor reinforce_pp_advantages(const torch::Tensor& rewards, const torch::Tensor& mask,
                                      double discount = 1);

}  // namespace rl
