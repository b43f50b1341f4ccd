#pragma once

#include <torch/types.h>

namespace rl {

// Generalised advantage estimation (Schulman et al. 2016). B = replies, R = reply tokens, padded on
// the right or with gaps: a place where the mask is false is skipped, and the estimate carried
// across it.
struct GaeOptions {
  double discount = 1.0;  // per token
  double lambda = 0.95;   // 0 = one step ahead, 1 = the whole reply
};

struct Advantages {
  torch::Tensor advantages;  // [B, R]; 0 where the mask is false
  torch::Tensor returns;     // [B, R]: advantages + values
};

// rewards, values: [B, R] float. mask: [B, R] bool, true at reply tokens. The value after a reply's
// last token counts as 0. Nothing is normalised. Throws base::Error where shapes differ.
Advantages estimate_advantages(const torch::Tensor& rewards, const torch::Tensor& values,
                               const torch::Tensor& mask, const GaeOptions& options = {});

}  // namespace rl
