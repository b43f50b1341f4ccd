#include "model/gguf.h"

#include <functional>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "model/gguf_model.h"
#include "model/gguf_tokenizer.h"
#include "model/weights.h"

namespace model {
namespace {

namespace fs = std::filesystem;
using base::Json;

Json byte_level() {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}};
}

// a, b and ab by one merge, <|end|>; of a vocabulary of six, 4 is no token.
Json small_tokenizer() {
  return {{"added_tokens",
           {{{"id", 3}, {"content", "<|end|>"}, {"special", true}},
            {{"id", 5}, {"content", "a b"}, {"special", false}}}},
          {"pre_tokenizer", byte_level()},
          {"model",
           {{"type", "BPE"},
            {"vocab", {{"a", 0}, {"b", 1}, {"ab", 2}, {"<|end|>", 3}}},
            {"merges", {"a b"}}}}};
}

Json llama_config() {
  return {{"model_type", "llama"},      {"vocab_size", 6},
          {"hidden_size", 8},           {"intermediate_size", 4},
          {"num_hidden_layers", 1},     {"num_attention_heads", 2},
          {"num_key_value_heads", 1},   {"max_position_embeddings", 16},
          {"rms_norm_eps", 1e-5},       {"rope_theta", 10000.0},
          {"tie_word_embeddings", true}};
}

TensorMap llama_tensors() {
  const std::string layer = "model.layers.0.";
  return {{"model.embed_tokens.weight", torch::rand({6, 8})},
          {layer + "input_layernorm.weight", torch::ones({8})},
          {layer + "self_attn.q_proj.weight",
           torch::arange(8, torch::kFloat32).unsqueeze(1).repeat({1, 8})},
          {layer + "self_attn.k_proj.weight", torch::rand({4, 8})},
          {layer + "self_attn.v_proj.weight", torch::rand({4, 8})},
          {layer + "self_attn.o_proj.weight", torch::rand({8, 8})},
          {layer + "post_attention_layernorm.weight", torch::ones({8})},
          {layer + "mlp.gate_proj.weight", torch::rand({4, 8})},
          {layer + "mlp.up_proj.weight", torch::rand({4, 8})},
          {layer + "mlp.down_proj.weight", torch::rand({8, 4})},
          {"model.norm.weight", torch::ones({8})}};
}

class Gguf : public testing::Test {
 protected:
  void SetUp() override {
    base::write_json(folder_.path() / "config.json", llama_config());
    base::write_json(folder_.path() / "tokenizer.json", small_tokenizer());
    write_weights(folder_.path(), llama_tensors());
  }
  fs::path file() const { return folder_.path() / "x.gguf"; }
  std::string refusal() const {
    try {
      write_gguf(folder_.path(), file(), GgufType::f32);
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "";
  }
  void expect_refusal(const char* part) const {
    EXPECT_NE(refusal().find(part), std::string::npos) << refusal();
    EXPECT_FALSE(fs::exists(file()));
  }
  base::TemporaryFolder folder_;
};

std::string text(const std::string& value) {
  const std::uint64_t size = value.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + value;
}

TEST_F(Gguf, HoldsTheTokenizerAndTheMatricesInTheTypeAskedFor) {
  write_gguf(folder_.path(), file(), GgufType::f16);
  const std::string bytes = base::read_file(file());
  for (const std::string& part :
       {text("general.architecture") + std::string("\x08\0\0\0", 4) + text("llama"),
        text("tokenizer.ggml.pre") + std::string("\x08\0\0\0", 4) + text("gpt-2"),
        text("a") + text("b") + text("ab") + text("<|end|>") + text("[PAD4]") + text("a b"),
        text("tokenizer.ggml.token_type") + std::string("\x09\0\0\0\5\0\0\0\6\0\0\0\0\0\0\0", 16) +
            std::string("\1\0\0\0\1\0\0\0\1\0\0\0\3\0\0\0\5\0\0\0\4\0\0\0", 24)})
    EXPECT_NE(bytes.find(part), std::string::npos) << part;
  EXPECT_EQ(bytes.find(text("output.weight")), std::string::npos);  // tied
  const TensorMap tensors = read_weights(folder_.path()).tensors;
  const auto holds = [&](const torch::Tensor& values) {
    return bytes.find({static_cast<const char*>(values.data_ptr()),
                       static_cast<std::size_t>(values.nbytes())}) != std::string::npos;
  };
  const torch::Tensor& embedding = tensors.at("model.embed_tokens.weight");
  EXPECT_TRUE(holds(embedding.to(torch::kFloat16)));
  EXPECT_FALSE(holds(embedding));
  EXPECT_TRUE(holds(tensors.at("model.norm.weight")));
}

// Two heads of four rows: halves (0 1 | 2 3) become pairs 0 2 1 3.
TEST_F(Gguf, RowsOfEachQueryHeadArePaired) {
  write_gguf(folder_.path(), file(), GgufType::f32);
  const std::string bytes = base::read_file(file());
  std::string expected;
  for (const float row : {0.f, 2.f, 1.f, 3.f, 4.f, 6.f, 5.f, 7.f})
    for (int column = 0; column < 8; ++column)
      expected.append(reinterpret_cast<const char*>(&row), sizeof row);
  EXPECT_NE(bytes.find(expected), std::string::npos);
}

TEST_F(Gguf, WeightsThatDoNotFitAreRefused) {
  TensorMap tensors = llama_tensors();
  tensors["model.score.weight"] = torch::ones({1, 8});
  write_weights(folder_.path(), tensors);
  expect_refusal("\"score.weight\" has no place in a GGUF file of llama");
  tensors = llama_tensors();
  tensors.erase("model.norm.weight");
  write_weights(folder_.path(), tensors);
  expect_refusal("the tensor norm.weight is missing");
  tensors = llama_tensors();
  tensors["model.embed_tokens.weight"] = torch::ones({7, 8});
  write_weights(folder_.path(), tensors);
  expect_refusal("expected 6 rows, the vocabulary");
  tensors["model.embed_tokens.weight"] = torch::ones({6, 8}, torch::kInt32);
  write_weights(folder_.path(), tensors);
  expect_refusal("expected floating-point numbers");
}

TEST_F(Gguf, ConfigsThatCannotBeExpressedAreRefused) {
  const auto refuse = [&](const char* key, const Json& value, const char* part) {
    Json config = llama_config();
    config[key] = value;
    base::write_json(folder_.path() / "config.json", config);
    expect_refusal(part);
  };
  refuse("model_type", "bert", "gpt2, llama and qwen2 can be exported");
  refuse("hidden_act", "gelu", "hidden_act is \"\"gelu\"\", but only \"silu\"");
  refuse("num_hidden_layers", 4000000000, "expected at most 1000");
  refuse("vocab_size", 4000000000, "a model of 4000000000 tokens, expected 1 to");
  refuse("num_hidden_layers", 0, "num_hidden_layers is 0");
  refuse("num_key_value_heads", 3, "2 heads share 3 heads");
  refuse("rope_scaling", {{"rope_type", "longrope"}, {"factor", 2}}, "\"longrope\"");
  refuse("rope_scaling",
         {{"type", "llama3"}, {"factor", 2}, {"low_freq_factor", 4}, {"high_freq_factor", 1}},
         "not above 0 and in order");
}

TEST_F(Gguf, TokenizersThatLlamaCppHasNoNameForAreRefused) {
  const auto refuse = [&](const std::function<void(Json&)>& change, const char* part) {
    Json root = small_tokenizer();
    change(root);
    base::write_json(folder_.path() / "tokenizer.json", root);
    expect_refusal(part);
  };
  refuse([](Json& root) { root["pre_tokenizer"]["add_prefix_space"] = true; }, "is no byte-level");
  refuse([](Json& root) { root["pre_tokenizer"]["use_regex"] = false; }, "is no byte-level");
  refuse([](Json& root) { root["pre_tokenizer"] = nullptr; }, "is no byte-level");
  refuse([](Json& root) { root["model"]["type"] = "Unigram"; }, "is no byte-level");
  refuse([](Json& root) { root["model"]["vocab"]["x"] = 6; }, "but config.json says a vocabulary");
  refuse([](Json& root) { root["model"]["vocab"]["x"] = 0; }, "have the same id");
  refuse([](Json& root) { root["model"]["vocab"]["x"] = "y"; }, "is no whole number");
  refuse([](Json& root) { root["model"]["merges"][0] = 1; }, "expected two tokens");
  fs::remove(folder_.path() / "tokenizer.json");
  expect_refusal("a GGUF file holds its tokenizer");
}

TEST(GgufModel, Gpt2IsTransposedAndHasItsOutputLayerInAnyCase) {
  GgufMetadata metadata;
  const Json config = {{"model_type", "gpt2"}, {"vocab_size", 6},
                       {"n_embd", 8},          {"n_layer", 1},
                       {"n_head", 2},          {"n_positions", 4},
                       {"n_inner", nullptr},   {"layer_norm_epsilon", 1e-5}};
  const GgufModel model = describe_gguf_model(metadata, config, "config.json");
  ASSERT_EQ(model.places.size(), 17u);
  EXPECT_EQ(model.places[4].from, "h.0.attn.c_attn.weight");
  EXPECT_EQ(model.places[4].to, "blk.0.attn_qkv.weight");
  EXPECT_EQ(model.places[4].layout, GgufLayout::transposed);
  EXPECT_EQ(model.places[5].layout, GgufLayout::same);  // its bias
  EXPECT_EQ(model.places.back().from, "wte.weight");
  EXPECT_EQ(model.places.back().to, "output.weight");
}

}  // namespace
}  // namespace model
