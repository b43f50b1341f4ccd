#pragma once

#include <torch/types.h>

namespace kernels {

// gelu(x + bias) by the tanh form (Hendrycks & Gimpel 2016). x: [T, C]; bias: [C]; both contiguous,
// of one type, fp32 or bf16, on the processor. No gradient of its own is recorded: the backward
// pass is called by hand. The oracle is at::gelu(x + bias, "tanh").
torch::Tensor bias_gelu(const torch::Tensor& x, const torch::Tensor& bias);

// What the gradient of the result gives to x [T, C], in its type, and to the bias [C], in fp32.
struct BiasGeluGradients {
  torch::Tensor x, bias;
};
BiasGeluGradients bias_gelu_backward(const torch::Tensor& by_out, const torch::Tensor& x,
                                     const torch::Tensor& bias);

// [C] fp32: the sum of the rows of x [T, C]; what a bias gets from them.
torch::Tensor row_sum(const torch::Tensor& x);

}  // namespace kernels
