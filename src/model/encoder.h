#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <torch/types.h>

#include "model/encoder_config.h"
#include "model/forward.h"

namespace model {

// BERT or RoBERTa. Inference only, fp32.
class Encoder {
 public:
  // Reads a Hugging Face folder: names with or without bert. or roberta., LayerNorm's old names
  // gamma and beta. Throws base::DataError naming file and tensor.
  explicit Encoder(const std::filesystem::path& folder);

  const EncoderConfig& config() const { return config_; }
  bool is_classifier() const { return classifier_.weight.defined(); }

  // [T, C]: the last hidden states of texts side by side, special tokens included. Throws
  // base::Error where one is longer than longest().
  torch::Tensor hidden_states(const Packed& packed) const;

  // [n, C]: each text's mean hidden state (sentence embeddings by mean pooling). [n, labels]: a
  // classifier's logits. Texts in any order, none empty; worked out by length, without padding, in
  // batches of some thousand tokens.
  torch::Tensor embed(const std::vector<std::vector<int>>& texts) const;
  torch::Tensor classify(const std::vector<std::vector<int>>& texts) const;

 private:
  struct Layer {
    Projection qkv, attention_out, up, down;
    Norm attention_norm, output_norm;
  };
  torch::Tensor in_batches(const std::vector<std::vector<int>>& texts, std::int64_t width,
                           torch::Tensor (Encoder::*read)(const Packed&) const) const;
  torch::Tensor mean_states(const Packed& packed) const;
  torch::Tensor logits(const Packed& packed) const;

  EncoderConfig config_;
  torch::Tensor words_, positions_, types_;
  Norm embedding_norm_;
  std::vector<Layer> layers_;
  Projection pooler_, classifier_;  // of a classifier
};

}  // namespace model
