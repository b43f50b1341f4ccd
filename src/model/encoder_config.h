#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/config.h"

namespace model {

// An encoder that reads a whole text at once: BERT (Devlin et al. 2019) or RoBERTa (Liu et al.
// 2019).
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

}  // namespace model
