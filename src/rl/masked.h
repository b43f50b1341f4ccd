#pragma once

#include <torch/types.h>

namespace rl {

// Statistics over the places where a mask is true. x: any shape, float; mask: the same shape, bool.
// What stands where the mask is false is never read.

torch::Tensor masked_mean(const torch::Tensor& x,
                          const torch::Tensor& mask);  // 0-dim; 0 where the mask is empty

// Unbiased (n - 1), as TRL and verl. Throws base::Error where fewer than two places count.
torch::Tensor masked_variance(const torch::Tensor& x, const torch::Tensor& mask);

// (x - mean) / sqrt(variance + 1e-8) where the mask is true, 0 elsewhere. Throws base::Error where
// fewer than two count.
torch::Tensor whiten(const torch::Tensor& x, const torch::Tensor& mask);

// x with its scale taken out and its mean kept: whiten(x) + mean. For rewards, whose zero means
// something.
torch::Tensor whiten_keeping_mean(const torch::Tensor& x, const torch::Tensor& mask);

}  // namespace rl
