#pragma once

#include <string>
#include <vector>

#include "model/forward.h"

// Small models of every family, for the tests of this module.
namespace model::testing {

// 2 layers, 4 heads, width 16, 32 positions, 50 tokens. "gpt2-switches": everything that a GPT-2
// configuration can ask for and the released models do not.
inline ModelConfig tiny(const std::string& kind) {
  const bool gpt2 = kind.rfind("gpt2", 0) == 0;
  base::Json json;
  if (gpt2)
    json = {{"model_type", "gpt2"}, {"n_layer", 2},      {"n_head", 4},
            {"n_embd", 16},         {"n_positions", 32}, {"vocab_size", 50}};
  else
    json = {{"model_type", kind},
            {"num_hidden_layers", 2},
            {"hidden_size", 16},
            {"num_attention_heads", 4},
            {"num_key_value_heads", 2},
            {"intermediate_size", 24},
            {"max_position_embeddings", 32},
            {"vocab_size", 50}};
  if (kind == "gpt2-switches")
    json.update({{"n_inner", 20},
                 {"activation_function", "relu"},
                 {"scale_attn_weights", false},
                 {"scale_attn_by_inverse_layer_idx", true},
                 {"reorder_and_upcast_attn", true},
                 {"tie_word_embeddings", false}});
  if (kind == "llama")
    json.update({{"head_dim", 8},
                 {"attention_bias", true},
                 {"mlp_bias", true},
                 {"rope_theta", 500.0},
                 {"rope_scaling",
                  {{"rope_type", "llama3"},
                   {"factor", 8.0},
                   {"low_freq_factor", 1.0},
                   {"high_freq_factor", 4.0},
                   {"original_max_position_embeddings", 16}}}});
  if (kind == "qwen2") json["tie_word_embeddings"] = true;
  return parse_config(json, kind);
}

inline std::vector<int> sequence(int length, int start) {
  std::vector<int> ids;
  for (int i = 0; i < length; ++i) ids.push_back((start + 7 * i) % 50);
  return ids;
}

inline float difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<float>();
}

}  // namespace model::testing
