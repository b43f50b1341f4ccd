#include "model/config.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace model {
namespace {

ModelConfig parsed(const std::string& text) {
  return parse_config(base::parse_json(text, "config.json"), "config.json");
}

// What is said of a configuration; empty where it is read.
std::string refusal(const std::string& text) {
  try {
    parsed(text);
  } catch (const base::DataError& error) {
    return error.what();
  }
  return "";
}

// A configuration with some keys in the place of, or beside, those of a small good one.
std::string with(const char* good, const std::string& changes) {
  base::Json json = base::parse_json(good, "good");
  json.update(base::parse_json(changes, "changes"));
  return json.dump();
}

constexpr const char* kGpt2 = R"({"model_type": "gpt2", "n_layer": 2, "n_head": 4, "n_embd": 16,
                                  "n_positions": 32, "vocab_size": 50})";
constexpr const char* kLlama = R"({"model_type": "llama", "num_hidden_layers": 2,
    "hidden_size": 16, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 24,
    "max_position_embeddings": 32, "vocab_size": 50})";
constexpr const char* kQwen2 = R"({"model_type": "qwen2", "num_hidden_layers": 2,
    "hidden_size": 16, "num_attention_heads": 4, "num_key_value_heads": 1, "intermediate_size": 24,
    "vocab_size": 50})";

TEST(Config, Gpt2sDefaultsAreThoseOfTheReleasedModels) {
  const ModelConfig config = parsed(kGpt2);
  EXPECT_EQ(config.family, Family::gpt2);
  EXPECT_EQ(config.layers, 2);
  EXPECT_EQ(config.key_heads, 4);
  EXPECT_EQ(config.head_width, 4);
  EXPECT_EQ(config.inner, 64);  // 4 * 16
  EXPECT_EQ(config.positions, 32);
  EXPECT_EQ(config.context, 32);
  EXPECT_EQ(config.vocabulary, 50);
  EXPECT_EQ(config.norm, NormKind::layer);
  EXPECT_EQ(config.norm_epsilon, 1e-5);
  EXPECT_EQ(config.activation, Activation::gelu_tanh);
  EXPECT_FALSE(config.gated);
  EXPECT_FALSE(config.rope);
  EXPECT_TRUE(config.tied && config.scale_scores && config.query_bias && config.output_bias &&
              config.inner_bias);
  EXPECT_FALSE(config.scale_by_layer);
}

TEST(Config, Gpt2sSwitchesAreHonoured) {
  const ModelConfig config = parsed(with(kGpt2, R"({"n_inner": 20, "activation_function": "relu",
                             "scale_attn_weights": false, "scale_attn_by_inverse_layer_idx": true,
                             "reorder_and_upcast_attn": true, "tie_word_embeddings": false,
                             "layer_norm_epsilon": 1e-3, "add_cross_attention": false})"));
  EXPECT_EQ(config.inner, 20);
  EXPECT_EQ(config.activation, Activation::relu);
  EXPECT_FALSE(config.scale_scores);
  EXPECT_TRUE(config.scale_by_layer);
  EXPECT_FALSE(config.tied);
  EXPECT_EQ(config.norm_epsilon, 1e-3);
}

TEST(Config, LlamasDefaultsAreThoseOfTransformers) {
  const ModelConfig config = parsed(kLlama);
  EXPECT_EQ(config.family, Family::llama);
  EXPECT_EQ(config.key_heads, 2);
  EXPECT_EQ(config.head_width, 4);
  EXPECT_EQ(config.qkv_width(), 32);  // (4 + 2 * 2) * 4
  EXPECT_EQ(config.norm, NormKind::rms);
  EXPECT_EQ(config.norm_epsilon, 1e-6);
  EXPECT_EQ(config.activation, Activation::silu);
  EXPECT_TRUE(config.gated);
  EXPECT_FALSE(config.query_bias || config.output_bias || config.inner_bias || config.tied);
  EXPECT_EQ(config.rope, Rope{});
}

TEST(Config, LlamasSwitchesAreHonoured) {
  const ModelConfig config = parsed(with(
      kLlama, R"({"head_dim": 8, "attention_bias": true, "mlp_bias": true, "rms_norm_eps": 1e-5,
                  "tie_word_embeddings": true, "num_key_value_heads": null, "hidden_act": "gelu"})"));
  EXPECT_EQ(config.head_width, 8);
  EXPECT_EQ(config.key_heads, 4);  // null: as many as there are heads
  EXPECT_TRUE(config.query_bias && config.output_bias && config.inner_bias && config.tied);
  EXPECT_EQ(config.norm_epsilon, 1e-5);
  EXPECT_EQ(config.activation, Activation::gelu);
}

TEST(Config, Qwen2HasABiasOfQueriesKeysAndValuesOnly) {
  const ModelConfig config = parsed(with(kQwen2, R"({"use_sliding_window": false,
      "sliding_window": 4096, "max_window_layers": 28,
      "layer_types": ["full_attention", "full_attention"]})"));
  EXPECT_EQ(config.family, Family::qwen2);
  EXPECT_TRUE(config.query_bias);
  EXPECT_FALSE(config.output_bias || config.inner_bias || config.tied);
  EXPECT_EQ(config.positions, 32768);
  EXPECT_EQ(config.key_heads, 1);
}

TEST(Config, RotaryPositionsReadAlikeInTheKeysOfTransformers4And5) {
  const auto rope = [](const char* keys) { return *parsed(with(kLlama, keys)).rope; };
  EXPECT_EQ(rope(R"({"rope_theta": 500})"), Rope{.theta = 500});
  EXPECT_EQ(rope(R"({"rope_theta": 500, "rope_scaling": null})"), Rope{.theta = 500});
  EXPECT_EQ(rope(R"({"rope_parameters": {"rope_theta": 500, "rope_type": "default"}})"),
            Rope{.theta = 500});
  const Rope linear{.theta = 500, .factor = 4};
  EXPECT_EQ(rope(R"({"rope_theta": 500, "rope_scaling": {"type": "linear", "factor": 4}})"),
            linear);
  EXPECT_EQ(rope(R"({"rope_theta": 500, "rope_scaling": {"rope_type": "linear", "factor": 4}})"),
            linear);
  EXPECT_EQ(
      rope(R"({"rope_parameters": {"rope_theta": 500, "rope_type": "linear", "factor": 4.0}})"),
      linear);
  const Rope llama3{.theta = 500, .factor = 8, .llama3 = Llama3Rope{1, 4, 16}};
  const std::string scaling =
      R"("rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
         "original_max_position_embeddings": 16)";
  EXPECT_EQ(rope(("{\"rope_theta\": 500, \"rope_scaling\": {" + scaling + "}}").c_str()), llama3);
  EXPECT_EQ(rope(("{\"rope_parameters\": {\"rope_theta\": 500, " + scaling + "}}").c_str()),
            llama3);
}

TEST(Config, EveryNameOfAnActivationIsKnown) {
  const std::pair<const char*, Activation> names[] = {
      {"gelu_new", Activation::gelu_tanh},  {"gelu_pytorch_tanh", Activation::gelu_tanh},
      {"gelu_fast", Activation::gelu_tanh}, {"gelu", Activation::gelu},
      {"relu", Activation::relu},           {"silu", Activation::silu},
      {"swish", Activation::silu}};
  for (const auto& [name, activation] : names)
    EXPECT_EQ(parse_activation(name, "here"), activation) << name;
}

TEST(Config, ARewardModelHasNoOutputLayerOfWords) {
  EXPECT_TRUE(
      parsed(with(kLlama, R"({"architectures": ["LlamaForSequenceClassification"]})")).tied);
  EXPECT_FALSE(parsed(with(kLlama, R"({"architectures": ["LlamaForCausalLM"]})")).tied);
}

struct Damaged {
  const char* good;
  const char* changes;
  const char* message;
};

// Each breaks one rule, and is refused with the words that say which.
constexpr Damaged kDamaged[] = {
    // what is not built
    {kGpt2, R"({"model_type": "mistral"})", "model_type is \"mistral\", expected gpt2, llama"},
    {kGpt2, R"({"model_type": 3})", "model_type"},
    {kGpt2, R"({"model_type": null})", "model_type"},
    {kGpt2, R"({"add_cross_attention": true})", "add_cross_attention is true, which is not supp"},
    {kGpt2, R"({"activation_function": "mish"})", "activation_function is \"mish\", expected gelu"},
    {kGpt2, R"({"quantization_config": {"bits": 4}})", "quantised weights are not supported"},
    {kQwen2, R"({"use_sliding_window": true})", "use_sliding_window is true, which is not supp"},
    {kQwen2, R"({"layer_types": ["full_attention", "sliding_attention"]})",
     "layer_types holds \"sliding_attention\", expected full_attention"},
    {kLlama, R"({"layer_types": [1]})", "layer_types"},
    {kLlama, R"({"hidden_act": "gelu_10"})", "hidden_act is \"gelu_10\", expected gelu_new"},
    {kLlama, R"({"hidden_act": ["silu"]})", "hidden_act"},
    {kLlama, R"({"partial_rotary_factor": 0.5})", "partial_rotary_factor is 0.5, which is not"},
    {kLlama, R"({"rope_parameters": {"partial_rotary_factor": 0.5}})",
     "rope_parameters: partial_rotary_factor is 0.5, which is not"},
    {kLlama, R"({"rope_scaling": {"type": "dynamic", "factor": 2}})",
     "rope_type is \"dynamic\", expected default, linear or llama3"},
    {kLlama, R"({"rope_scaling": {"rope_type": "yarn", "factor": 2}})", "rope_type is \"yarn\""},
    {kLlama, R"({"rope_parameters": {"rope_type": "longrope"}})", "rope_type is \"longrope\""},
    {kLlama, R"({"rope_parameters": {"full_attention": {"rope_type": "default"}}})",
     "rope_parameters differs between kinds of layers"},
    // rotary positions that make no sense
    {kLlama, R"({"rope_scaling": "linear"})", "rope_scaling is no object"},
    {kLlama, R"({"rope_theta": 0})", "rope_theta is 0, expected a number above 0"},
    {kLlama, R"({"rope_theta": -10000.0})", "rope_theta is -10000.0, expected a number above 0"},
    {kLlama, R"({"rope_theta": 1e300})", "rope_theta is 1e+300"},
    {kLlama, R"({"rope_theta": "10000"})", "rope_theta"},
    {kLlama, R"({"rope_scaling": {"type": "linear"}})", "\"factor\" is missing"},
    {kLlama, R"({"rope_scaling": {"type": "linear", "factor": 0}})", "factor is 0, expected a num"},
    {kLlama,
     R"({"rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 4,
         "high_freq_factor": 4}})",
     "high_freq_factor must be above low_freq_factor"},
    {kLlama,
     R"({"rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 1,
         "high_freq_factor": 4, "original_max_position_embeddings": -16}})",
     "original_max_position_embeddings is -16, expected a number above 0"},
    {kLlama, R"({"head_dim": 5})", "rotary positions need an even head width, found 5"},
    // sizes that make no model
    {kGpt2, R"({"n_layer": 0})", "a model of 0 layers, expected 1 to 1000"},
    {kGpt2, R"({"n_layer": 1001})", "a model of 1001 layers"},
    {kGpt2, R"({"n_layer": 99999999999999999999})", "n_layer"},
    {kGpt2, R"({"n_layer": -1})", "a model of -1 layers"},
    {kGpt2, R"({"n_layer": 2.5})", "n_layer"},
    {kGpt2, R"({"n_layer": "2"})", "n_layer"},
    {kGpt2, R"({"n_layer": true})", "n_layer"},
    {kGpt2, R"({"n_layer": null})", "n_layer"},
    {kGpt2, R"({"n_head": 0})", "a model of 0 heads"},
    {kGpt2, R"({"n_head": -4})", "a model of -4 heads"},
    {kGpt2, R"({"n_head": 3})", "a width of 16 is no multiple of 3 heads"},
    {kGpt2, R"({"n_embd": 0})", "a model of 0 numbers of width"},
    {kGpt2, R"({"n_embd": 9223372036854775807})", "numbers of width"},
    {kGpt2, R"({"n_embd": 2048})", "a model of 512 numbers a head, expected 1 to 256"},
    {kGpt2, R"({"n_inner": -64})", "a model of -64 inner numbers"},
    {kGpt2, R"({"n_positions": 0})", "a model of 0 positions"},
    {kGpt2, R"({"vocab_size": 0})", "a model of 0 tokens"},
    {kGpt2, R"({"vocab_size": 4294967296})", "a model of 4294967296 tokens"},
    {kGpt2, R"({"layer_norm_epsilon": 0})", "the norms' epsilon is 0"},
    {kGpt2, R"({"layer_norm_epsilon": 7})", "the norms' epsilon is 7"},
    {kGpt2, R"({"tie_word_embeddings": "yes"})", "tie_word_embeddings"},
    {kLlama, R"({"num_key_value_heads": 3})", "4 heads cannot share 3 heads of keys"},
    {kLlama, R"({"num_key_value_heads": 8})", "a model of 8 heads of keys, expected 1 to 4"},
    {kLlama, R"({"num_key_value_heads": -2})", "a model of -2 heads of keys"},
    {kLlama, R"({"head_dim": -4})", "a model of -4 numbers a head"},
    {kLlama, R"({"rms_norm_eps": -1e-6})", "the norms' epsilon is -1e-06"},
    {kLlama, R"({"architectures": "LlamaForCausalLM"})", "architectures"},
};

TEST(Config, WhatIsDamagedOrNotBuiltIsRefusedByName) {
  for (const Damaged& damaged : kDamaged) {
    const std::string said = refusal(with(damaged.good, damaged.changes));
    EXPECT_NE(said.find(damaged.message), std::string::npos)
        << damaged.changes << " said: \"" << said << '"';
    EXPECT_EQ(said.rfind("config.json", 0), 0u) << said;
  }
}

TEST(Config, EveryKeyThatIsNeededIsMissedByName) {
  for (const char* good : {kGpt2, kLlama, kQwen2}) {
    const base::Json whole = base::parse_json(good, "good");
    for (const auto& [key, value] : whole.items()) {
      if (key == "n_positions" || key == "max_position_embeddings" || key == "num_key_value_heads")
        continue;  // these have defaults
      base::Json less = whole;
      less.erase(key);
      EXPECT_NE(refusal(less.dump()).find('"' + key + "\" is missing"), std::string::npos) << key;
    }
  }
  for (const char* no_object : {"[]", "3", "null", "\"gpt2\""})
    EXPECT_NE(refusal(no_object).find("\"model_type\" is missing"), std::string::npos) << no_object;
}

TEST(Config, WhatWasReadIsWrittenAsItWasUnknownKeysIncluded) {
  for (const char* good : {kGpt2, kLlama, kQwen2}) {
    const std::string text = with(good, R"({"zeta": {"b": [1, 2.50, null], "a": "ü"}, "alpha": 1e-5,
                                            "torch_dtype": "bfloat16"})");
    EXPECT_EQ(config_json(parsed(text)).dump(), text);
  }
}

TEST(Config, AGrownVocabularyIsTheOnlyThingThatIsWrittenAnew) {
  ModelConfig config = parsed(kLlama);
  config.vocabulary = 60;
  EXPECT_EQ(config_json(config).dump(), with(kLlama, R"({"vocab_size": 60})"));
}

TEST(Config, AModelOfOnesOwnReadsBackAsItIs) {
  const ModelConfig made = gpt2_config(3, 2, 8, 16, 20);
  const ModelConfig back = parsed(config_json(made).dump());
  EXPECT_EQ(back.layers, 3);
  EXPECT_EQ(back.heads, 2);
  EXPECT_EQ(back.width, 8);
  EXPECT_EQ(back.inner, 32);
  EXPECT_EQ(back.positions, 16);
  EXPECT_EQ(back.vocabulary, 20);
  EXPECT_TRUE(back.tied);
}

TEST(Config, AContextIsWithinThePositions) {
  ModelConfig config = parsed(kGpt2);
  config.context = 33;
  EXPECT_THROW(config.complete("here"), base::DataError);
  config.context = 8;
  EXPECT_EQ(config.complete("here").context, 8);
}

}  // namespace
}  // namespace model
