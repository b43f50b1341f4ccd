#pragma once

#include <cstdint>

#include <torch/types.h>

namespace kernels {

// Layer norm over rows (Ba et al. 2016): (x - mean) / sqrt(variance + epsilon) * weight + bias.
// Matrices [T, C] and weight, bias [C] are contiguous, of one type, fp32 or bf16, on the processor;
// sums are in fp32. No gradient of its own is recorded: the backward pass is called by hand. The
// oracle is at::layer_norm; norms that record a gradient are in norm.h.
struct Normed {
  torch::Tensor out;      // [T, C]
  torch::Tensor moments;  // [T, 2] fp32: mean, and 1 / sqrt(variance + epsilon)
};
Normed layer_norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                  double epsilon);

// What the gradient of `out` gives to x [T, C], in its type, and to weight and bias [C], in fp32.
// `also` [T, C], or undefined: what comes to x's gradient by another way, added to it.
struct NormGradients {
  torch::Tensor x, weight, bias;
};
NormGradients layer_norm_backward(const torch::Tensor& by_out, const torch::Tensor& x,
                                  const torch::Tensor& weight, const torch::Tensor& moments,
                                  const torch::Tensor& also);

// residual + dropout(x), as add_dropout, and its norm, in one pass over the rows.
struct ResidualNormed {
  torch::Tensor sum;  // [T, C]
  Normed normed;
};
ResidualNormed add_dropout_layer_norm(const torch::Tensor& residual, const torch::Tensor& x,
                                      double p, std::uint64_t key, const torch::Tensor& weight,
                                      const torch::Tensor& bias, double epsilon);

}  // namespace kernels
