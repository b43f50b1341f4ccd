#pragma once

#include "model/gpt2.h"

namespace bench {

// The same training step in plain libtorch, as well as it can be written there: ATen operators and
// autograd only. bf16 weights cast once a step; the output layer in chunks of 128 tokens whose
// gradient is worked out with the loss, so that no logits are computed twice; fused AdamW.
class PlainSft {
 public:
  enum class Attention { fused, unfused };  // scaled_dot_product_attention, or matmul and softmax

  PlainSft(const model::Gpt2& initial, Attention attention);

  // ids: [B, T] int64. The mean cross-entropy of each sequence's tokens but the first.
  torch::Tensor loss(const torch::Tensor& ids);
  // The loss of a whole step.
  double step(const torch::Tensor& ids, double learning_rate, double max_norm);

 private:
  torch::Tensor attend(const torch::Tensor& qkv) const;  // [B, T, 3C] -> [B, T, C]
  const torch::Tensor& at(const std::string& name) const { return cast_.at(name); }

  model::Gpt2Config config_;
  Attention attention_;
  std::vector<std::string> names_;
  std::vector<torch::Tensor> parameters_, first_, second_, steps_;
  model::TensorMap cast_;  // this step's weights in bf16
};

}  // namespace bench
