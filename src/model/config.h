#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/json.h"

namespace model {

// As Llama 3.1 stretches its context.
struct Llama3Rope {
  double low_frequency_factor = 1, high_frequency_factor = 4;
  double original_positions = 8192;
  bool operator==(const Llama3Rope& other) const = default;
};

// Rotary position embedding (Su et al. 2021): pairs of a head's numbers are turned by angles of
// position * theta^(-2i/D).
struct Rope {
  double theta = 10000;
  double factor = 1;  // slower frequencies: all of them, or (llama3) the slow ones
  std::optional<Llama3Rope> llama3 = {};
  bool operator==(const Rope& other) const = default;
};

enum class Family { gpt2, llama, qwen2 };  // model_type: names and layout of a checkpoint's tensors
enum class NormKind { layer, rms };        // layer norm with bias, or root mean square without
enum class Activation { gelu, gelu_tanh, relu, silu };

// What a decoder is built from. Families differ in these values only.
struct ModelConfig {
  Family family = Family::gpt2;
  std::int64_t layers = 2;
  std::int64_t heads = 2;       // of queries
  std::int64_t key_heads = 0;   // of keys and values, divides heads; 0: heads
  std::int64_t head_width = 0;  // 0: width / heads
  std::int64_t width = 64;
  std::int64_t inner = 0;  // of the feed-forward half; 0: 4 * width
  std::int64_t positions = 256;
  std::int64_t context = 0;  // tokens that prompts and replies may take together; 0: all positions
  std::int64_t vocabulary = 0;
  NormKind norm = NormKind::layer;
  double norm_epsilon = 1e-5;
  Activation activation = Activation::gelu_tanh;
  bool gated = false;           // the feed-forward half multiplies activation(gate) and up
  bool query_bias = true;       // of queries, keys and values
  bool output_bias = true;      // of what attention adds
  bool inner_bias = true;       // of the feed-forward half
  std::optional<Rope> rope;     // else positions are learned
  bool tied = true;             // the output layer is the token embedding
  bool scale_scores = true;     // by 1 / sqrt(D)
  bool scale_by_layer = false;  // and by 1 / (layer + 1)
  base::Json other = base::Json::object();  // config.json as it was read, unknown keys included

  // This with 0s filled in. Throws base::Error(data), starting with `where`, for sizes that make no
  // model.
  ModelConfig complete(const std::string& where) const;
  std::int64_t qkv_width() const { return (heads + 2 * key_heads) * head_width; }
};

// GPT-2's shape with random sizes of one's own; the rest as released.
ModelConfig gpt2_config(std::int64_t layers, std::int64_t heads, std::int64_t width,
                        std::int64_t positions, std::int64_t vocabulary);

// Reads config.json's content: model_type gpt2, llama (Llama 1 to 3.x, SmolLM2) or qwen2 (Qwen2,
// Qwen2.5), with the keys that transformers 4 and 5 write. Every switch that changes what is
// computed is honoured, or the model is refused with base::DataError naming it.
ModelConfig parse_config(const base::Json& json, const std::string& where);

// What config.json says: what was read, with the vocabulary's size brought up to date, or a whole
// GPT-2 configuration for a model that was not read.
base::Json config_json(const ModelConfig& config);

const char* family_name(Family family);  // model_type

// An activation by the name that config.json gives it. Throws base::DataError for others.
Activation parse_activation(const std::string& name, const std::string& where);

// Throws base::DataError, with advice, where config.json says that the weights are quantised.
void refuse_quantised(const base::Json& json, const std::string& where);

}  // namespace model
