#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/forward.h"

namespace bench {

// GPT-2 in plain libtorch, as well as it can be written there: ATen operators and autograd only,
// weights cast once a step to the type that is computed in, fused AdamW. On the device of the model
// that it starts from.
class PlainModel {
 public:
  enum class Attention { fused, unfused };  // scaled_dot_product_attention, or matmul and softmax

  PlainModel(const model::LanguageModel& initial, Attention attention);

  const model::ModelConfig& config() const { return config_; }

  // Casts the weights anew: what follows is computed with them, and gradients are theirs.
  void cast();
  const torch::Tensor& at(const std::string& name) const { return cast_.at(name); }

  // ids: [B, T] int64 -> [B, T, C]. With a cache, keys and values are written to it from `begin`
  // on, and attention sees all that it holds so far.
  struct Cache {
    std::vector<torch::Tensor> keys, values;  // a layer: [B, H, room, D]
    std::int64_t length = 0;
  };
  torch::Tensor hidden(const torch::Tensor& ids, Cache* cache = nullptr) const;
  Cache make_cache(std::int64_t batch, std::int64_t room) const;
  // Appends ids [B, T] to the cached sequences and draws what follows them: [B, 1]. No gradient.
  torch::Tensor draw_next(const torch::Tensor& ids, Cache& cache) const;

  // Clips and applies the gradients of the cast weights; `more`: further fp32 parameters with
  // gradients of their own, stepped by plain descent.
  void step(double learning_rate, double max_norm, std::vector<torch::Tensor> more = {});

 private:
  torch::Tensor attend(const torch::Tensor& qkv, std::int64_t layer, Cache* cache) const;

  model::ModelConfig config_;
  torch::Dtype type_;
  Attention attention_;
  std::vector<std::string> names_;
  std::vector<torch::Tensor> parameters_, first_, second_, steps_;
  model::TensorMap cast_;  // this step's weights
};

// Attention as plain libtorch does it. parts: queries, keys and values [B, H, T, D]; with one query
// for more keys it sees them all. Returns [B, T, H D].
torch::Tensor plain_attention(const std::vector<torch::Tensor>& parts, PlainModel::Attention kind);

// The norm of the difference over that of what was wanted.
double relative_error(const torch::Tensor& found, const torch::Tensor& wanted);

// Plain takes the attention that is faster here: times one step of each.
PlainModel::Attention faster_attention(
    const std::function<double(PlainModel::Attention)>& seconds_of);

const char* name_of(PlainModel::Attention attention);

}  // namespace bench
