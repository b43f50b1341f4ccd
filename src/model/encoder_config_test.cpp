#include "model/encoder_config.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace model {
namespace {

constexpr const char* kBert = R"({"model_type": "bert", "num_hidden_layers": 2, "hidden_size": 16,
    "num_attention_heads": 4, "intermediate_size": 24, "max_position_embeddings": 32,
    "vocab_size": 50})";
constexpr const char* kRoberta = R"({"model_type": "roberta", "num_hidden_layers": 2,
    "hidden_size": 16, "num_attention_heads": 4, "intermediate_size": 24,
    "max_position_embeddings": 34, "vocab_size": 50, "type_vocab_size": 1})";

std::string with(const char* good, const std::string& changes) {
  base::Json json = base::parse_json(good, "good");
  json.update(base::parse_json(changes, "changes"));
  return json.dump();
}

EncoderConfig parsed(const std::string& text) {
  return parse_encoder_config(base::parse_json(text, "config.json"), "config.json");
}

std::string refusal(const std::string& text) {
  try {
    parsed(text);
  } catch (const base::DataError& error) {
    return error.what();
  }
  return "";
}

TEST(EncoderConfig, BertCountsPositionsFromZero) {
  const EncoderConfig config = parsed(kBert);
  EXPECT_FALSE(config.roberta);
  EXPECT_EQ(config.layers, 2);
  EXPECT_EQ(config.heads, 4);
  EXPECT_EQ(config.width, 16);
  EXPECT_EQ(config.inner, 24);
  EXPECT_EQ(config.vocabulary, 50);
  EXPECT_EQ(config.token_types, 2);
  EXPECT_EQ(config.first_position, 0);
  EXPECT_EQ(config.longest(), 32);
  EXPECT_EQ(config.activation, Activation::gelu);
  EXPECT_EQ(config.norm_epsilon, 1e-12);
}

TEST(EncoderConfig, RobertaCountsThemFromAfterItsPadding) {
  EXPECT_EQ(parsed(kRoberta).first_position, 2);
  EXPECT_EQ(parsed(kRoberta).longest(), 32);
  EXPECT_EQ(parsed(with(kRoberta, R"({"pad_token_id": 0})")).first_position, 1);
  EXPECT_TRUE(parsed(with(kRoberta, R"({"model_type": "xlm-roberta"})")).roberta);
}

TEST(EncoderConfig, LabelsStandInTheOrderOfTheirNumbers) {
  using Labels = std::vector<std::string>;
  EXPECT_EQ(parsed(kBert).labels, (Labels{"LABEL_0", "LABEL_1"}));
  EXPECT_EQ(parsed(with(kBert, R"({"id2label": {"1": "good", "0": "bad"}})")).labels,
            (Labels{"bad", "good"}));
}

TEST(EncoderConfig, WhatIsDamagedOrNotBuiltIsRefusedByName) {
  struct Damaged {
    const char* good;
    const char* changes;
    const char* message;
  };
  const Damaged cases[] = {
      {kBert, R"({"model_type": "distilbert"})", "model_type is \"distilbert\", expected bert"},
      {kBert, R"({"position_embedding_type": "relative_key"})",
       "position_embedding_type is \"relative_key\", which is not supported"},
      {kBert, R"({"is_decoder": true})", "is_decoder is true, which is not supported"},
      {kBert, R"({"add_cross_attention": true})", "add_cross_attention is true"},
      {kBert, R"({"quantization_config": {}})", "quantised weights are not supported"},
      {kBert, R"({"hidden_act": "mish"})", "hidden_act is \"mish\", expected"},
      {kBert, R"({"num_hidden_layers": 0})", "num_hidden_layers is 0, expected 1 to 1000"},
      {kBert, R"({"num_hidden_layers": 100000})", "num_hidden_layers is 100000"},
      {kBert, R"({"num_attention_heads": 0})", "num_attention_heads is 0"},
      {kBert, R"({"num_attention_heads": 3})", "hidden_size 16 is no multiple of 3 heads"},
      {kBert, R"({"hidden_size": -16})", "hidden_size is -16"},
      {kBert, R"({"hidden_size": "16"})", "hidden_size"},
      {kBert, R"({"intermediate_size": 4294967296})", "intermediate_size is 4294967296"},
      {kBert, R"({"vocab_size": null})", "vocab_size"},
      {kBert, R"({"type_vocab_size": 0})", "type_vocab_size is 0"},
      {kBert, R"({"type_vocab_size": -1})", "type_vocab_size is -1"},
      {kBert, R"({"layer_norm_eps": 0})", "layer_norm_eps is 0, expected a small number above 0"},
      {kBert, R"({"layer_norm_eps": "small"})", "layer_norm_eps"},
      {kBert, R"({"max_position_embeddings": 1})", "leaves no room for a text"},
      {kBert, R"({"id2label": ["bad", "good"]})", "id2label is no object"},
      {kBert, R"({"id2label": {"0": "bad", "2": "good"}})", "id2label: \"1\" is missing"},
      {kBert, R"({"id2label": {"0": 7}})", "id2label"},
      {kRoberta, R"({"max_position_embeddings": 3})", "leaves no room for a text"},
      {kRoberta, R"({"pad_token_id": 32})", "leaves no room for a text"},
      {kRoberta, R"({"pad_token_id": -1})", "pad_token_id is -1"},
      {kRoberta, R"({"pad_token_id": 9223372036854775807})", "pad_token_id is 9223372036854775807"},
  };
  for (const Damaged& damaged : cases) {
    const std::string said = refusal(with(damaged.good, damaged.changes));
    EXPECT_NE(said.find(damaged.message), std::string::npos)
        << damaged.changes << " said: \"" << said << '"';
    EXPECT_EQ(said.rfind("config.json", 0), 0u) << said;
  }
  EXPECT_NE(refusal("[]").find("\"model_type\" is missing"), std::string::npos);
}

}  // namespace
}  // namespace model
