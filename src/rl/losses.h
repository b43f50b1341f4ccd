#pragma once

#include <torch/types.h>

namespace rl {

// The clipped surrogate of PPO (Schulman et al. 2017), per token.
struct PpoOptions {
  double clip_low = .2;
  double clip_high = .2;
  double dual_clip = 0;  // c: a negative advantage costs at most c * |A|; 0: no such bound
};

struct PpoLoss {
  torch::Tensor loss;  // 0-dim: mean over the mask of max(-A r, -A clip(r, 1 - low, 1 + high));
                       // differentiable
  // For the log, without gradient, each a mean over the mask unless it says otherwise:
  double clip_fraction = 0;  // tokens whose clipped term is the larger one
  double approx_kl = 0;      // k2 of new against old
  double ratio = 1, ratio_max = 1, ratio_min = 1, ratio_variance = 0;
};

// log_probs: current, with gradient; old_log_probs: of the rollout; advantages: one shape, e.g. [B,
// R]; mask: bool. The log-ratio is held within +-20 before it is exponentiated.
PpoLoss ppo_loss(const torch::Tensor& log_probs, const torch::Tensor& old_log_probs,
                 const torch::Tensor& advantages, const torch::Tensor& mask,
                 const PpoOptions& options = {});

struct ValueLoss {
  torch::Tensor loss;  // 0-dim: .5 * mean of max((V - R)^2, (clip(V, V_old - c, V_old + c) - R)^2);
                       // differentiable
  double clip_fraction = 0;
};
// clip 0: no clipping.
ValueLoss value_loss(const torch::Tensor& values, const torch::Tensor& old_values,
                     const torch::Tensor& returns, const torch::Tensor& mask, double clip = .2);

// 1 - Var(returns - values) / Var(returns) over the mask; 0 where returns do not vary.
double explained_variance(const torch::Tensor& values, const torch::Tensor& returns,
                          const torch::Tensor& mask);

}  // namespace rl
