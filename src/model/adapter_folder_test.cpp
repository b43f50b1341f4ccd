#include "model/adapter_folder.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "model/folder.h"
#include "model/safetensors.h"
#include "model/test_models.h"

namespace model {
namespace {

namespace fs = std::filesystem;
using testing::tiny;

// A base and an adapter beside it, both in folders.
class AdapterFolder : public ::testing::Test {
 protected:
  fs::path base() const { return folder_.path() / "base"; }
  fs::path adapter() const { return folder_.path() / "runs/one/adapter"; }
  fs::path config() const { return adapter() / "adapter_config.json"; }
  fs::path tensors() const { return adapter() / "adapter_model.safetensors"; }

  void write(const std::string& kind, const LoraSettings& settings) {
    language_ = random_model(tiny(kind), 1);
    write_model(base(), language_);
    attach(language_, new_adapter(language_.config, language_.parameters, settings, 44, 6, 5));
    for (const torch::Tensor& tensor : language_.trained().tensors()) {
      torch::NoGradGuard no_grad;
      torch::Tensor changed = tensor;
      changed.add_(.25);
    }
    write_adapter(adapter(), language_, base());
  }

  void change(const std::string& key, const base::Json& value) {
    base::Json json = base::read_json(config());
    json[key] = value;
    base::write_json(config(), json);
  }

  // What is said of the folder; empty where it is read.
  std::string refusal() const {
    try {
      read_model(adapter());
    } catch (const base::DataError& error) {
      return error.what();
    } catch (const base::Error& error) {
      return error.kind() == base::ErrorKind::data ? error.what() : "no data error";
    }
    return "";
  }
  std::string refusal_with(const std::string& key, const base::Json& value) {
    write("gpt2", {.rank = 2});
    change(key, value);
    return refusal();
  }

  base::TemporaryFolder folder_;
  LanguageModel language_;
};

TEST_F(AdapterFolder, ComesBackWithItsBaseInEveryFamily) {
  for (const char* kind : {"gpt2", "gpt2-switches", "llama", "qwen2"}) {
    write(kind, {.rank = 2, .alpha = 6, .dropout = .1, .targets = {"all-linear"}});
    const LanguageModel back = read_model(adapter());
    ASSERT_TRUE(back.adapter);
    EXPECT_EQ(hash_tensors(back.values()), hash_tensors(language_.values())) << kind;
    EXPECT_EQ(back.adapter->settings.rank, 2);
    EXPECT_EQ(back.adapter->settings.alpha, 6);
    EXPECT_EQ(back.adapter->settings.dropout, .1);
    EXPECT_EQ(back.adapter->first_row, 44);
    EXPECT_EQ(back.adapter->rows, 6);
    EXPECT_TRUE(fs::equivalent(back.adapter->base, base()));
    EXPECT_FALSE(back.parameters.tensors()[0].requires_grad());
    EXPECT_TRUE(back.trained().tensors()[0].requires_grad());
  }
}

TEST_F(AdapterFolder, AnAdapterOfSomeLayersOnlyComesBack) {
  write("llama", {.rank = 2, .targets = {"1.self_attn.q_proj", "up_proj"}});
  EXPECT_EQ(hash_tensors(read_model(adapter()).values()), hash_tensors(language_.values()));
  EXPECT_EQ(base::read_json(config()).at("target_modules"),
            (base::Json{"1.self_attn.q_proj", "up_proj"}));
}

TEST_F(AdapterFolder, NamesModulesByTheirPlaceInALayer) {
  write("gpt2", {.rank = 2});
  const base::Json json = base::read_json(config());
  EXPECT_EQ(json.at("target_modules"), (base::Json::array({"attn.c_attn"})));
  EXPECT_EQ(json.at("fan_in_fan_out"), true);
  EXPECT_EQ(json.at("trainable_token_indices").at("wte"), (base::Json{44, 45, 46, 47, 48, 49}));
}

TEST_F(AdapterFolder, ThePathToTheBaseIsRelativeSoThatBothCanMoveTogether) {
  write("gpt2", {.rank = 2});
  EXPECT_EQ(base::read_json(config()).at("base_model_name_or_path"), "../../../base");
  const fs::path moved = folder_.path().string() + "-moved";
  fs::rename(folder_.path(), moved);
  const LanguageModel back = read_model(moved / "runs/one/adapter");
  fs::rename(moved, folder_.path());
  EXPECT_EQ(hash_tensors(back.values()), hash_tensors(language_.values()));
}

TEST_F(AdapterFolder, ThePathToTheBaseIsRightWhereFoldersWereGivenByDetours) {
  write("gpt2", {.rank = 2});
  write_adapter(folder_.path() / "runs/./other/../one/adapter", language_,
                folder_.path() / "runs/../base/");
  EXPECT_EQ(refusal(), "");
  EXPECT_TRUE(fs::equivalent(base_of_adapter(adapter()), base()));
}

TEST_F(AdapterFolder, ABaseThatIsNoFolderHereIsRefused) {
  for (const char* name : {"meta-llama/Llama-3.2-1B", "", "../nothing", "/", "a\nb"})
    EXPECT_NE(refusal_with("base_model_name_or_path", name).find("nothing is downloaded"),
              std::string::npos)
        << name;
  EXPECT_NE(refusal_with("base_model_name_or_path", std::string(10000, 'x')).find("no folder"),
            std::string::npos);
  EXPECT_NE(refusal_with("base_model_name_or_path", nullptr).find("base_model_name_or_path"),
            std::string::npos);
}

TEST_F(AdapterFolder, ABaseThatIsAnAdapterItselfIsRefused) {
  write("gpt2", {.rank = 2});
  fs::copy_file(base() / "config.json", adapter() / "config.json");
  for (const char* itself : {".", "", "../adapter"}) {
    change("base_model_name_or_path", itself);
    EXPECT_NE(refusal().find("which is an adapter itself"), std::string::npos) << itself;
  }
}

struct Refused {
  const char* key;
  base::Json value;
  const char* message;
};

TEST_F(AdapterFolder, EveryOptionThatIsNotBuiltIsRefusedByName) {
  const Refused cases[] = {
      {"peft_type", "LOHA", "peft_type is \"LOHA\", expected \"LORA\""},
      {"modules_to_save", {"lm_head"}, "modules_to_save is [\"lm_head\"], which is not supported"},
      {"layers_to_transform", 0, "layers_to_transform is 0"},
      {"layers_pattern", "h", "layers_pattern is \"h\""},
      {"rank_pattern", {{"c_attn", 4}}, "rank_pattern is {\"c_attn\":4}"},
      {"alpha_pattern", {{"c_attn", 4}}, "alpha_pattern is"},
      {"layer_replication", {{0, 1}}, "layer_replication is"},
      {"exclude_modules", {"c_fc"}, "exclude_modules is"},
      {"target_parameters", {"weight"}, "target_parameters is"},
      {"use_dora", true, "use_dora is true"},
      {"use_qalora", true, "use_qalora is true"},
      {"use_bdlora", true, "use_bdlora is true"},
      {"lora_bias", true, "lora_bias is true"},
      {"alora_invocation_tokens", {1}, "alora_invocation_tokens is [1]"},
      {"megatron_config", {{"a", 1}}, "megatron_config is"},
      {"arrow_config", {{"a", 1}}, "arrow_config is"},
      {"kasa_config", {{"a", 1}}, "kasa_config is"},
      {"velora_config", {{"a", 1}}, "velora_config is"},
      {"monteclora_config", {{"a", 1}}, "monteclora_config is"},
      {"bias", "all", "bias is \"all\", expected \"none\""},
      {"init_lora_weights", "pissa_niter_4",
       "init_lora_weights is \"pissa_niter_4\", which changes"},
      {"init_lora_weights", "olora", "init_lora_weights is \"olora\""},
      // what makes no adapter
      {"r", 0, "r is 0, expected 1 to 65536"},
      {"r", -1, "r is -1"},
      {"r", 65537, "r is 65537"},
      {"r", 4294967298, "r is 4294967298"},  // 2^32 + 2 is no 2
      {"r", "2", "\"r\""},
      {"r", nullptr, "\"r\""},
      {"lora_alpha", "16", "lora_alpha"},
      {"lora_alpha", 1e300, "lora_alpha is 1e+300"},
      {"lora_dropout", 1, "lora_dropout is 1, expected 0 to below 1"},
      {"lora_dropout", -.1, "lora_dropout is -0.1"},
      {"use_rslora", "yes", "use_rslora"},
      {"target_modules", nullptr, "target_modules"},
      {"target_modules", base::Json::array(), "target_modules is empty"},
      {"target_modules", ".*attn.*", "target_modules"},  // PEFT's regular expressions
      {"target_modules", {1}, "target_modules"},
      {"target_modules", {"q_proj"}, "target_modules names \"q_proj\", which no module of a gpt2"},
      {"trainable_token_indices", {{"wte", {44, 46}}}, "not one run of ids"},
      {"trainable_token_indices", {45, 44}, "not one run of ids"},
      {"trainable_token_indices", {44, 44}, "not one run of ids"},
      {"trainable_token_indices", {-1}, "holds -1, expected the number of a token"},
      {"trainable_token_indices", {1000000000000000000}, "holds 1000000000000000000, expected"},
      {"trainable_token_indices", {18446744073709551615u}, "holds 18446744073709551615, expected"},
      {"trainable_token_indices", {1.5}, "holds 1.5, expected the number of a token"},
      {"trainable_token_indices", base::Json::array(), "holds no list of ids"},
      {"trainable_token_indices", {{"wte", 44}}, "holds no list of ids"},
      {"trainable_token_indices", 44, "holds no list of ids"},
      {"trainable_token_indices", {{"wte", {44, 45}}, {"lm_head", {45, 46}}}, "differ between"},
      {"trainable_token_indices", {49, 50}, "trainable_token_indices end at 51, the model has 50"},
  };
  for (const Refused& refused : cases) {
    const std::string said = refusal_with(refused.key, refused.value);
    EXPECT_NE(said.find(refused.message), std::string::npos)
        << refused.key << ": " << refused.value << " said: \"" << said << '"';
    EXPECT_EQ(said.rfind(config().string(), 0), 0u) << said;
  }
}

TEST_F(AdapterFolder, OptionsThatChangeNothingAreReadOver) {
  for (const auto& [key, value] : std::initializer_list<std::pair<const char*, base::Json>>{
           {"modules_to_save", nullptr},
           {"rank_pattern", base::Json::object()},
           {"use_dora", false},
           {"layers_to_transform", base::Json::array()},
           {"init_lora_weights", true},
           {"init_lora_weights", "gaussian"},
           {"inference_mode", false},
           {"revision", "main"}})
    EXPECT_EQ(refusal_with(key, value), "") << key;
}

TEST_F(AdapterFolder, RankStabilisedScalingDividesByTheRootOfTheRank) {
  write("gpt2", {.rank = 4, .alpha = 8});
  EXPECT_EQ(read_model(adapter()).adapter->scale(), 2);  // 8 / 4
  change("use_rslora", true);
  EXPECT_EQ(read_model(adapter()).adapter->scale(), 4);  // 8 / sqrt(4)
}

TEST_F(AdapterFolder, RowsMayBeOneListAsPeftWritesItForTiedTables) {
  write("gpt2", {.rank = 2});
  change("trainable_token_indices", {44, 45, 46, 47, 48, 49});
  EXPECT_EQ(hash_tensors(read_model(adapter()).values()), hash_tensors(language_.values()));
}

TEST_F(AdapterFolder, ARankThatTheFileDoesNotHoldIsRefusedBeforeAnythingIsMade) {
  EXPECT_NE(refusal_with("r", 65536).find("lora_A.weight is [2, 16], expected [65536, 16]"),
            std::string::npos);
}

TEST_F(AdapterFolder, TensorsThatDoNotFitAreRefusedByName) {
  write("gpt2", {.rank = 2});
  const TensorMap whole = read_safetensors(tensors());
  const std::string name = "base_model.model.transformer.h.1.attn.c_attn.lora_B.weight";
  ASSERT_TRUE(whole.contains(name));
  const auto refusal_of = [&](const std::string& changed, const torch::Tensor& value) {
    TensorMap damaged = whole;
    damaged.erase(changed);
    if (value.defined()) damaged[changed] = value;
    write_safetensors(tensors(), damaged);
    return refusal();
  };
  EXPECT_NE(refusal_of(name, {}).find("h.1.attn.c_attn.lora_B.weight is missing"),
            std::string::npos);
  EXPECT_NE(refusal_of(name, torch::zeros({48, 3})).find("is [48, 3], expected [48, 2]"),
            std::string::npos);
  EXPECT_NE(refusal_of(name, torch::zeros({48, 2}, torch::kInt32)).find("no floating-point"),
            std::string::npos);
  EXPECT_NE(refusal_of("base_model.model.extra", torch::zeros({1})).find("extra that this model"),
            std::string::npos);
  EXPECT_NE(refusal_of("extra", torch::zeros({1})).find("does not begin with base_model.model."),
            std::string::npos);
  fs::remove(tensors());
  EXPECT_NE(refusal().find("adapter_model.safetensors"), std::string::npos);
}

TEST_F(AdapterFolder, ACutConfigurationIsRefused) {
  write("gpt2", {.rank = 2});
  base::write_file(config(), "{\"peft_type\": \"LO");
  EXPECT_NE(refusal(), "");
}

}  // namespace
}  // namespace model
