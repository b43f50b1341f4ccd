#include "model/folder.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "model/safetensors.h"
#include "model/test_models.h"

namespace model {
namespace {

using testing::tiny;

class ModelFolder : public ::testing::Test {
 protected:
  const std::filesystem::path& path() const { return folder_.path(); }
  std::filesystem::path file() const { return path() / "model.safetensors"; }
  base::Json config() const { return base::read_json(path() / "config.json"); }

  // What is said of the folder; empty where it is read.
  std::string refusal() const {
    try {
      read_model(path());
    } catch (const base::Error& error) {
      return error.kind() == base::ErrorKind::data ? error.what() : "no data error";
    }
    return "";
  }

  base::TemporaryFolder folder_;
};

std::string hash(const LanguageModel& model) { return hash_tensors(model.parameters.values()); }

TEST_F(ModelFolder, ComesBackBitForBitInEveryFamily) {
  for (const char* kind : {"gpt2", "gpt2-switches", "llama", "qwen2"}) {
    const LanguageModel model = random_model(tiny(kind), 3);
    write_model(path(), model);
    const LanguageModel back = read_model(path());
    EXPECT_EQ(hash(back), hash(model)) << kind;
    EXPECT_EQ(back.storage, torch::kFloat32);
    write_model(path(), back);
    EXPECT_EQ(hash(read_model(path())), hash(model)) << kind;
  }
}

TEST_F(ModelFolder, ComesBackAndIgnoresPrefixAndBuffers) {
  const LanguageModel model = random_model(gpt2_config(1, 2, 8, 8, 20), 3);
  write_model(path(), model);
  EXPECT_TRUE(read_safetensors(file()).contains("transformer.wte.weight"));
  TensorMap bare = model.parameters.values();
  bare["h.0.attn.bias"] = torch::ones({1, 1, 8, 8});
  bare["h.0.attn.masked_bias"] = torch::ones({});
  bare["lm_head.weight"] = torch::ones({20, 8});  // tied: not read
  write_safetensors(file(), bare);
  EXPECT_EQ(hash(read_model(path())), hash(model));
  TensorMap prefixed;
  add_prefixed(prefixed, model.parameters.values(), "transformer.");
  prefixed["transformer.h.0.attn.bias"] = torch::ones({1, 1, 8, 8});
  write_safetensors(file(), prefixed);
  EXPECT_EQ(hash(read_model(path())), hash(model));
}

TEST_F(ModelFolder, ATensorUnderBothItsNamesIsRefused) {
  const LanguageModel model = random_model(tiny("gpt2"), 3);
  write_model(path(), model);
  TensorMap twice = read_safetensors(file());
  twice["ln_f.bias"] = torch::zeros({16});
  write_safetensors(file(), twice);
  EXPECT_NE(refusal().find("holds the tensor ln_f.bias twice, with and without transformer."),
            std::string::npos);
}

TEST_F(ModelFolder, TensorsThatDoNotFitAreRefusedByName) {
  write_model(path(), random_model(tiny("llama"), 3));
  const TensorMap whole = read_safetensors(file());
  const auto refusal_of = [&](const std::string& name, const torch::Tensor& value) {
    TensorMap damaged = whole;
    damaged.erase(name);
    if (value.defined()) damaged[name] = value;
    write_safetensors(file(), damaged);
    return refusal();
  };
  EXPECT_NE(refusal_of("model.norm.weight", {}).find("model.norm.weight is missing"),
            std::string::npos);
  EXPECT_NE(refusal_of("lm_head.weight", {}).find("lm_head.weight is missing"), std::string::npos);
  EXPECT_NE(refusal_of("model.norm.weight", torch::ones({15})).find("is [15], expected [16]"),
            std::string::npos);
  EXPECT_NE(refusal_of("model.norm.weight", torch::ones({16}, torch::kInt32))
                .find("model.norm.weight holds no floating-point numbers"),
            std::string::npos);
  EXPECT_NE(refusal_of("model.extra", torch::ones({1})).find("model.extra that this model"),
            std::string::npos);
  EXPECT_EQ(refusal_of("model.layers.0.self_attn.rotary_emb.inv_freq", torch::ones({4})), "");
}

TEST_F(ModelFolder, SixteenBitFilesKeepTheirTypeAndTheirBits) {
  for (const torch::Dtype type : {torch::kBFloat16, torch::kFloat16}) {
    LanguageModel model = random_model(tiny("qwen2"), 3);
    model.storage = type;
    write_model(path(), model);
    EXPECT_EQ(config().at("dtype"), type == torch::kBFloat16 ? "bfloat16" : "float16");
    const std::string bytes = base::read_file(file());
    const LanguageModel back = read_model(path());
    EXPECT_EQ(back.storage, type);
    EXPECT_EQ(back.parameters.tensors()[0].scalar_type(), torch::kFloat32);
    write_model(path(), back);
    EXPECT_EQ(base::read_file(file()), bytes);
  }
}

TEST_F(ModelFolder, AFileOfSeveralTypesIsKeptInFp32) {
  LanguageModel model = random_model(tiny("qwen2"), 3);
  model.storage = torch::kBFloat16;
  write_model(path(), model);
  TensorMap mixed = read_safetensors(file());
  mixed["model.norm.weight"] = torch::ones({16});
  write_safetensors(file(), mixed);
  EXPECT_EQ(read_model(path()).storage, torch::kFloat32);
}

TEST_F(ModelFolder, TheTypeStandsUnderTheKeyThatTheConfigurationHad) {
  LanguageModel model = random_model(tiny("llama"), 3);
  model.config.other["torch_dtype"] = "float32";
  model.storage = torch::kBFloat16;
  write_model(path(), model);
  EXPECT_EQ(config().at("torch_dtype"), "bfloat16");
  EXPECT_FALSE(config().contains("dtype"));
}

TEST_F(ModelFolder, GenerationKnowsTheTokensThatTheModelNames) {
  LanguageModel model = random_model(tiny("llama"), 3);
  model.config.other["eos_token_id"] = 7;
  model.config.other["pad_token_id"] = nullptr;
  write_model(path(), model);
  const base::Json generation = base::read_json(path() / "generation_config.json");
  EXPECT_EQ(generation.at("eos_token_id"), 7);
  EXPECT_FALSE(generation.contains("pad_token_id"));
}

TEST_F(ModelFolder, AnAdapterIsNotWrittenAsAWholeModel) {
  LanguageModel model = random_model(tiny("llama"), 3);
  attach(model, new_adapter(model.config, model.parameters, {.rank = 1}, 0, 0, 1));
  EXPECT_THROW(write_model(path(), model), base::Error);
  EXPECT_THROW(write_scorer(path(), model, torch::ones({1, 16}), 7), base::Error);
}

TEST_F(ModelFolder, AScorerComesBackInEveryFamily) {
  const torch::Tensor head = torch::arange(16).to(torch::kFloat32).view({1, 16});
  const std::pair<const char*, const char*> kinds[] = {
      {"gpt2", "GPT2"}, {"llama", "Llama"}, {"qwen2", "Qwen2"}};
  for (const auto& [kind, name] : kinds) {
    const LanguageModel model = random_model(tiny(kind), 3);
    write_scorer(path(), model, head, 7);
    EXPECT_EQ(config().at("architectures"),
              (base::Json::array({std::string(name) + "ForSequenceClassification"})));
    EXPECT_EQ(config().at("pad_token_id"), 7);
    EXPECT_EQ(config().at("id2label").size(), 1u);
    EXPECT_TRUE(at::equal(read_score_head(path()), head));
    EXPECT_FALSE(read_safetensors(file()).contains("lm_head.weight"));
    TensorMap expected = model.parameters.values();
    expected.erase("lm_head.weight");
    EXPECT_EQ(hash(read_model(path())), hash_tensors(expected)) << kind;
  }
}

TEST_F(ModelFolder, AHeadThatIsMissingOrHoldsNoNumbersIsRefused) {
  const LanguageModel model = random_model(tiny("gpt2"), 3);
  write_model(path(), model);
  EXPECT_THROW(read_score_head(path()), base::DataError);
  TensorMap tensors = read_safetensors(file());
  tensors["score.weight"] = torch::ones({1, 16}, torch::kInt32);
  write_safetensors(file(), tensors);
  EXPECT_THROW(read_score_head(path()), base::DataError);
}

TEST_F(ModelFolder, APickledModelIsRefusedWithAdvice) {
  write_model(path(), random_model(tiny("gpt2"), 3));
  std::filesystem::rename(file(), path() / "pytorch_model.bin");
  EXPECT_NE(refusal().find("save_pretrained"), std::string::npos);
}

}  // namespace
}  // namespace model
