#pragma once

#include <cstdint>

#include <torch/types.h>

namespace kernels {

// residual + dropout(x): each element of x is 0 with probability p and x / (1 - p) otherwise,
// decided by (key, index) alone; on a GPU by libtorch's own generator, seeded by the key, whose
// masks are others. residual, x: one shape and type. p = 0 adds. Differentiable.
torch::Tensor add_dropout(const torch::Tensor& residual, const torch::Tensor& x, double p,
                          std::uint64_t key);

// dropout(x) in the same way.
torch::Tensor with_dropout(const torch::Tensor& x, double p, std::uint64_t key);

}  // namespace kernels
