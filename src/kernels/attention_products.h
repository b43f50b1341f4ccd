#pragma once

#include "kernels/attention.h"

// Attention as matrix products over all heads at a time, with scores in memory: in fp32 and bf16,
// for any head width and processor. heads.keys and heads.scale are set.
namespace kernels::attention_products {

AttentionPass forward(const torch::Tensor& qkv, const Segments& segments, const Heads& heads);
torch::Tensor backward(const torch::Tensor& by_out, const torch::Tensor& qkv,
                       const std::vector<torch::Tensor>& saved, const Segments& segments,
                       const Heads& heads);

}  // namespace kernels::attention_products
