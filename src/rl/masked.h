#pragma once

#include <torch/types.h>

namespace rl {

// Statistics over the places where a mask is true. x: any shape, float; mask: the same shape, bool.
// What stands where the mask is false is never read: neither result nor gradient depends on it.
// base::Error is thrown where the shapes differ or the mask is not bool.

torch::Tensor masked_mean(const torch::Tensor& x,
                          const torch::Tensor& mask);  // 0-dim; 0 where the mask is empty

enum class Spread {
  unbiased,  // squares divided by n - 1, as TRL and verl do
  biased,    // by n, as Ziegler et al. (2019) do
};

// 0-dim. Throws base::Error where fewer than two places count.
torch::Tensor masked_variance(const torch::Tensor& x, const torch::Tensor& mask,
                              Spread spread = Spread::unbiased);

// (x - mean) / sqrt(variance + 1e-8) where the mask is true, 0 elsewhere. Throws base::Error where
// fewer than two count.
torch::Tensor whiten(const torch::Tensor& x, const torch::Tensor& mask,
                     Spread spread = Spread::unbiased);

// x with its scale taken out and its mean kept: whiten(x) + mean. For rewards, whose zero means
// something.
torch::Tensor whiten_keeping_mean(const torch::Tensor& x, const torch::Tensor& mask,
                                  Spread spread = Spread::unbiased);

// Sums and means along the replies: [B, R] -> [B]. A reply without a token has 0.
torch::Tensor reply_sums(const torch::Tensor& x, const torch::Tensor& mask);
torch::Tensor reply_means(const torch::Tensor& x, const torch::Tensor& mask);

// How the terms of a batch's tokens become one loss.
enum class Aggregation {
  token_mean,       // every token counts the same, long replies more (PPO; DAPO, Yu et al. 2025)
  sequence_mean,    // every reply counts the same, so a long reply's tokens less (GRPO)
  constant_length,  // a reply's sum over a constant, so no token's weight depends on its reply's
                    // length (Dr. GRPO, Liu et al. 2025)
};
struct Reduction {
  Aggregation how = Aggregation::token_mean;
  double length = 0;  // tokens; the constant of constant_length, > 0
  double total = 0;   // reduction_total of the whole minibatch where x is a part of it, so that the
                      // parts' losses add up to the whole one's; 0: x is the whole
};

// x: [B, R]; for token_mean any shape. 0-dim, differentiable; 0 where the mask is empty. Throws
// base::UsageError for a length that is not positive where it is needed.
torch::Tensor reduce(const torch::Tensor& x, const torch::Tensor& mask,
                     const Reduction& reduction = {});

// What a sum is divided by: the number of tokens (token_mean), else of replies with a token.
double reduction_total(const torch::Tensor& mask, Aggregation how);

}  // namespace rl
