#pragma once

#include <string>
#include <vector>

#include <torch/types.h>

#include "rl/masked.h"

namespace rl {

// Reward-weighted supervised fine-tuning: replies of the reference are imitated, each as much as
// exp(score / beta) says (Peters & Schaal 2007, reward-weighted regression; Peng et al. 2019, arXiv
// 1910.00177, with advantages). With enough replies its optimum is that of E[score] - beta KL:
// reference * exp(score / beta), normalised.
enum class WeightScope {
  batch,  // weights have mean 1 over the batch: one constant for all states
  group,  // over each group of replies to one state, an estimate of the state's own constant
  none,   // exp(score / beta) as it is: scores must be advantages, around 0
};
// By its name in a recipe; none for any other.
WeightScope weight_scope(const std::string& name);
struct RewardWeightOptions {
  double beta = 1;  // > 0; small: only the best replies count
  WeightScope scope = WeightScope::batch;
  double largest =
      20;  // weights are cut here, after they were scaled (Peng et al.: 20); 0: nowhere
};

// scores: [B] float. groups: B numbers, read for WeightScope::group only. [B] of the scores' type,
// >= 0, without gradient. Throws base::UsageError for a beta that is not positive, base::Error
// where sizes differ.
torch::Tensor reward_weights(const torch::Tensor& scores, const std::vector<int>& groups,
                             const RewardWeightOptions& options = {});

// (sum w)^2 / sum w^2: how many replies of equal weight teach as much. In [1, B]; 0 for no weight.
double effective_sample_size(const torch::Tensor& weights);

// -w log p of the tokens, reduced; log_probs: [B, R] with gradient; weights: [B], a number to the
// gradient; mask: [B, R] bool. 0-dim. Divided by tokens or replies, not by the weights' sum:
// weights of mean 1 need no more.
torch::Tensor weighted_imitation_loss(const torch::Tensor& log_probs, const torch::Tensor& weights,
                                      const torch::Tensor& mask, const Reduction& reduction = {});

}  // namespace rl
