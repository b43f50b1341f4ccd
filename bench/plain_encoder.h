#pragma once

#include <vector>

#include "model/encoder.h"
#include "model/parameters.h"

namespace bench {

// A RoBERTa classifier as one writes it in libtorch: a linear module a projection, batches of texts
// of one length, so that nothing is padded.
class PlainEncoder {
 public:
  // Tensors under their names in a checkpoint.
  PlainEncoder(model::EncoderConfig config, model::TensorMap tensors)
      : config_(std::move(config)), tensors_(std::move(tensors)) {}

  // [n, labels]: logits, at most batch_tokens tokens at a time.
  torch::Tensor classify(const std::vector<std::vector<int>>& texts,
                         std::int64_t batch_tokens) const;

 private:
  const torch::Tensor& at(const std::string& name) const { return tensors_.at(name); }
  torch::Tensor linear(const torch::Tensor& x, const std::string& name) const;
  torch::Tensor norm(const torch::Tensor& x, const std::string& name) const;
  torch::Tensor attend(const torch::Tensor& x, const std::string& layer) const;
  torch::Tensor logits(const torch::Tensor& ids) const;

  model::EncoderConfig config_;
  model::TensorMap tensors_;
};

}  // namespace bench
