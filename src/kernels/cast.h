#pragma once

#include <vector>

#include <torch/types.h>

namespace kernels {

// The same numbers in another type; themselves where they have it. On a GPU all together, in a few
// kernels whatever their number, and so are their gradients. Differentiable.
std::vector<torch::Tensor> cast(const std::vector<torch::Tensor>& tensors, torch::Dtype type);

}  // namespace kernels
