#pragma once

#include <torch/types.h>

namespace kernels {

// x [T, in] times weight [in, out], plus bias [out] where it is defined. Differentiable; libtorch's
// own but for the bias's gradient on a GPU.
torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight,
                     const torch::Tensor& bias);

// The sum over the rows of x [T, N], a tensor on a GPU with contiguous rows, 8 dividing N: [N] of
// the same type, summed in fp32.
torch::Tensor column_sums(const torch::Tensor& x);
// The last step of such sums: over the rows of parts [P, N] float, in a fixed order.
torch::Tensor finish_sums(const torch::Tensor& parts, torch::Dtype type);

}  // namespace kernels
