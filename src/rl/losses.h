#pragma once

#include <torch/types.h>

#include "rl/masked.h"

namespace rl {

// The losses of policy and values on a rollout. One shape for all tensors of a call, [B, R] (any
// shape where the reduction is a mean over tokens and the ratio one of tokens); mask: bool, true at
// the tokens that were sampled. What stands outside the mask reaches neither loss nor gradient.
// base::Error is thrown where shapes differ.

// What the policy is compared by with the one that sampled.
enum class RatioLevel {
  token,     // p / p_old of each token
  sequence,  // exp of a reply's mean log-ratio, the same for its tokens (GSPO, Zheng et al. 2025,
             // arXiv 2507.18071); needs [B, R]
};

// The clipped surrogate of PPO (Schulman et al. 2017), per token.
struct PpoOptions {
  double clip_low = .2;
  double clip_high = .2;  // DAPO (Yu et al. 2025) raises it to .28: clip-higher
  double dual_clip = 0;   // c: a negative advantage costs at most c * |A| (Ye et al. 2020); 0: no
                          // such bound
  RatioLevel ratio = RatioLevel::token;
  torch::Tensor weights = {};  // of each token, without gradient (sampler_weights); undefined: none
  Reduction reduction = {};
};

// min(p_old / p_sampler, cap) of each token, a number, 1 outside the mask, where the old
// log-probabilities were computed again by another program or precision than the tokens were drawn
// by: the sampler is corrected for, not learned from (truncated importance sampling, Ionides 2008).
torch::Tensor sampler_weights(const torch::Tensor& old_log_probs,
                              const torch::Tensor& sampler_log_probs, const torch::Tensor& mask,
                              double cap);

struct PpoLoss {
  torch::Tensor loss;  // 0-dim: mean over the mask of max(-A r, -A clip(r, 1 - low, 1 + high)), or
                       // what the options say; differentiable in log_probs only
  // For the log, without gradient, each a mean over the mask unless it says otherwise:
  double clip_fraction = 0;  // tokens whose clipped term is the larger one
  double approx_kl = 0;      // k2 of new against old
  double ratio = 1, ratio_max = 1, ratio_min = 1, ratio_variance = 0;
  double sampler_weight = 1;  // of the truncated importance sampling
};

// log_probs: current, with gradient; old_log_probs: of the rollout; advantages. The log-ratio is
// held within +-20 before it is exponentiated.
PpoLoss ppo_loss(const torch::Tensor& log_probs, const torch::Tensor& old_log_probs,
                 const torch::Tensor& advantages, const torch::Tensor& mask,
                 const PpoOptions& options = {});

// -A log p (Williams 1992): PPO's gradient where the policy is still the one that sampled. 0-dim,
// differentiable in log_probs only.
torch::Tensor reinforce_loss(const torch::Tensor& log_probs, const torch::Tensor& advantages,
                             const torch::Tensor& mask, const Reduction& reduction = {});

struct ValueLoss {
  torch::Tensor loss;  // 0-dim: .5 * mean of max((V - R)^2, (clip(V, V_old - c, V_old + c) - R)^2);
                       // differentiable in values only
  double clip_fraction = 0;
};
// clip 0: no clipping. It is in units of the rewards: scale it with them.
ValueLoss value_loss(const torch::Tensor& values, const torch::Tensor& old_values,
                     const torch::Tensor& returns, const torch::Tensor& mask, double clip = .2,
                     const Reduction& reduction = {});

// -weight * entropy: the bonus as a term of the loss. entropies: exact, of each place's whole
// distribution, with gradient. 0-dim.
torch::Tensor entropy_loss(const torch::Tensor& entropies, const torch::Tensor& mask, double weight,
                           const Reduction& reduction = {});

// The entropy estimated from the sampled tokens alone, mean of -(p / p_sampler) log p over the
// mask: for the log, where the whole distribution is not at hand.
double sampled_entropy(const torch::Tensor& log_probs, const torch::Tensor& sampler_log_probs,
                       const torch::Tensor& mask);

// 1 - Var(returns - values) / Var(returns) over the mask; 0 where returns do not vary.
double explained_variance(const torch::Tensor& values, const torch::Tensor& returns,
                          const torch::Tensor& mask);

// How far the sampler's log-probabilities are from those of the training forward, means over the
// mask; all zero but token_error, which is 1, where they agree.
struct SamplerMismatch {
  double log_prob = 0;     // |log p - log p_sampler|
  double token_error = 1;  // exp of that: what a token's probability is off by
  double kl = 0;           // k3 of KL(sampler || training forward)
};
SamplerMismatch sampler_mismatch(const torch::Tensor& log_probs,
                                 const torch::Tensor& sampler_log_probs, const torch::Tensor& mask);

}  // namespace rl
