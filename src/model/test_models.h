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

// config.json and random weights of an encoder, as transformers writes a classifier of so many
// labels: 2 layers, 4 heads, width 16, texts of up to 32 tokens.
inline base::Json encoder_config(const std::string& type, std::int64_t vocabulary,
                                 const std::vector<std::string>& labels) {
  const bool roberta = type != "bert";
  base::Json names = base::Json::object();
  for (std::size_t i = 0; i < labels.size(); ++i) names[std::to_string(i)] = labels[i];
  return {{"model_type", type},       {"num_hidden_layers", 2},
          {"hidden_size", 16},        {"num_attention_heads", 4},
          {"intermediate_size", 24},  {"max_position_embeddings", roberta ? 34 : 32},
          {"vocab_size", vocabulary}, {"type_vocab_size", roberta ? 1 : 2},
          {"id2label", names}};
}

inline TensorMap encoder_tensors(const std::string& type, std::int64_t vocabulary,
                                 std::int64_t labels) {
  const bool roberta = type != "bert";
  TensorMap tensors;
  const auto add = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
    tensors[name] = normal_values(shape, .5, {.seed = 2, .stage = name});
  };
  const auto module = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  };
  const auto norm = [&](const std::string& name) {
    add(name + ".weight", {16});
    add(name + ".bias", {16});
  };
  const std::string body = (roberta ? "roberta." : "bert."), at = body + "embeddings.";
  add(at + "word_embeddings.weight", {vocabulary, 16});
  add(at + "position_embeddings.weight", {roberta ? 34 : 32, 16});
  add(at + "token_type_embeddings.weight", {roberta ? 1 : 2, 16});
  norm(at + "LayerNorm");
  for (const char* layer : {"encoder.layer.0.", "encoder.layer.1."}) {
    for (const char* part : {"query", "key", "value"})
      module(body + layer + "attention.self." + part, 16, 16);
    module(body + layer + "attention.output.dense", 16, 16);
    norm(body + layer + "attention.output.LayerNorm");
    module(body + layer + "intermediate.dense", 16, 24);
    module(body + layer + "output.dense", 24, 16);
    norm(body + layer + "output.LayerNorm");
  }
  module(roberta ? "classifier.dense" : "bert.pooler.dense", 16, 16);
  module(roberta ? "classifier.out_proj" : "classifier", 16, labels);
  return tensors;
}

}  // namespace model::testing
