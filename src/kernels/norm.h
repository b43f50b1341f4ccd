#pragma once

#include <torch/types.h>

// Norms that record their gradient, for every family of models and device. The passes by hand for
// GPT-2's layers on the processor are in layer_norm.h.
namespace kernels {

// A sum and its norm over the last axis, by gain and shift [C]; without a shift by the root mean
// square alone.
struct AddedNorm {
  torch::Tensor sum, normed;  // [T, C]
};

// residual + x and its norm. residual, x: [T, C] of one type. Differentiable. On a GPU both
// are one kernel, whether a gradient is wanted or not, so that the numbers are the same.
AddedNorm add_norm(const torch::Tensor& residual, const torch::Tensor& x, const torch::Tensor& gain,
                   const torch::Tensor& shift, double epsilon);

// The norm alone. Differentiable.
torch::Tensor norm(const torch::Tensor& x, const torch::Tensor& gain, const torch::Tensor& shift,
                   double epsilon);

}  // namespace kernels
