#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <torch/types.h>

#include "base/json.h"
#include "model/config.h"
#include "model/forward.h"

namespace model {

// An encoder that reads a whole text at once: BERT (Devlin et al. 2019) or RoBERTa (Liu et al.
// 2019). Inference only, fp32.
struct EncoderConfig {
  bool roberta = false;
  std::int64_t layers = 12, heads = 12, width = 768, inner = 3072, positions = 512;
  std::int64_t vocabulary = 0, token_types = 2;
  std::int64_t first_position = 0;  // of a text; RoBERTa counts from its padding token's id + 1
  Activation activation = Activation::gelu;
  double norm_epsilon = 1e-12;
  std::vector<std::string> labels;  // of a classifier, by its output's place

  // The longest text in tokens, special ones included.
  std::int64_t longest() const { return positions - first_position; }
};

// Reads config.json's content: model_type bert, roberta or xlm-roberta. What changes the
// computation and is not built is refused with base::DataError naming it.
EncoderConfig parse_encoder_config(const base::Json& json, const std::string& where);

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
