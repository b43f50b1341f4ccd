#pragma once

#include <cstdint>

#include <torch/types.h>

#include "kernels/compute.h"

namespace kernels {

struct HeadOptions {
  double temperature = 1;  // logits are divided by it
  std::int64_t rows = 0;   // only the first `rows` tokens of the vocabulary may be drawn; 0: all
  Backend backend = kernels::default_backend();
};

struct HeadOutput {
  torch::Tensor
      log_probs;  // [T] float: natural log-probability of the target; 0 where the target is -1
  torch::Tensor log_normalisers;  // [T] float: log of the sum of exp(logit / temperature)
  torch::Tensor entropies;        // [T] float: in nats
};

// The output layer of a language model in chunks of tokens, whose logits take at most 64 MB on the
// processor and 512 MB on a GPU; they are worked out again, but for the last chunk's, in the
// backward pass. hidden: [T, C]; weight: [V, C] of the same type; targets: [T] int64, -1 for none.
// All three outputs are differentiable with respect to hidden and weight. Sums are in fp32. Throws
// base::Error where shapes differ, and on the processor where a target is none of the rows.
HeadOutput log_prob_head(const torch::Tensor& hidden, const torch::Tensor& weight,
                         const torch::Tensor& targets, const HeadOptions& options = {});

// The sum over tokens of weights[t] * log p(targets[t]), a scalar: (log_probs * weights).sum() of
// the above, but with the gradient worked out along the way, so that no logits are computed twice.
// weights: [T] float, without a gradient of its own. Differentiable with respect to hidden and
// weight.
torch::Tensor weighted_log_prob(const torch::Tensor& hidden, const torch::Tensor& weight,
                                const torch::Tensor& targets, const torch::Tensor& weights,
                                const HeadOptions& options = {});

}  // namespace kernels
