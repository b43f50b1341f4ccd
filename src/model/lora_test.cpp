#include "model/lora.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/forward.h"
#include "model/test_models.h"

namespace model {
namespace {

using testing::difference;
using testing::sequence;
using testing::tiny;

constexpr std::int64_t kFirstRow = 44, kRows = 6;

Packed read() { return pack({sequence(9, 2), sequence(5, 40)}); }

torch::Tensor logits(const LanguageModel& model, const ForwardOptions& options = {}) {
  const Weights weights = cast(model, torch::kFloat32);
  return at::mm(hidden_states(weights, read(), options), weights.head.t());  // [T, V]
}

LanguageModel with_adapter(LanguageModel model, const LoraSettings& settings) {
  Adapter adapter = new_adapter(model.config, model.parameters, settings, kFirstRow, kRows, 5);
  attach(model, std::move(adapter));
  return model;
}

// B and the rows as if they had been trained.
void shake(LanguageModel& model) {
  torch::NoGradGuard no_grad;
  for (const std::string& name : model.adapter->parameters.names())
    model.adapter->parameters.at(name).add_(normal_values(
        model.adapter->parameters.at(name).sizes().vec(), .3, {.seed = 6, .stage = name}));
}

class Adapters : public ::testing::TestWithParam<const char*> {
 protected:
  LanguageModel plain() const { return random_model(tiny(GetParam()), 1); }
  bool gpt2() const { return std::string(GetParam()).starts_with("gpt2"); }

  // Settings of every kind: by default, one name, names of both halves, all.
  std::vector<std::vector<std::string>> target_sets() const {
    if (gpt2()) return {{}, {"c_attn"}, {"attn.c_proj", "c_fc"}, {"1.mlp.c_proj"}, {"all-linear"}};
    return {{}, {"q_proj", "v_proj"}, {"up_proj", "o_proj"}, {"1.mlp.down_proj"}, {"all-linear"}};
  }
};
INSTANTIATE_TEST_SUITE_P(All, Adapters,
                         ::testing::Values("gpt2", "gpt2-switches", "llama", "qwen2"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(Adapters, ANewOneChangesNothing) {
  for (const auto& targets : target_sets())
    EXPECT_LT(
        difference(logits(with_adapter(plain(), {.rank = 3, .targets = targets})), logits(plain())),
        1e-6);
}

TEST_P(Adapters, MergedTheModelComputesTheSame) {
  for (const auto& targets : target_sets()) {
    LanguageModel model = with_adapter(plain(), {.rank = 3, .alpha = 6, .targets = targets});
    shake(model);
    const LanguageModel whole = merged(model);
    EXPECT_FALSE(whole.adapter);
    const torch::Tensor with = logits(model);
    EXPECT_LT(difference(with, logits(whole)),
              1e-5 * std::max(1.f, with.abs().max().item<float>()));
    EXPECT_GT(difference(with, logits(plain())), 1e-2);
  }
}

TEST_P(Adapters, MergingLeavesTheBaseAsItWas) {
  LanguageModel model = with_adapter(plain(), {.rank = 3, .targets = {"all-linear"}});
  shake(model);
  const std::string before = hash_tensors(model.parameters.values());
  merged(model);
  EXPECT_EQ(hash_tensors(model.parameters.values()), before);
}

TEST_P(Adapters, OnlyTheAdapterLearnsAndTheBaseStaysBitForBit) {
  LanguageModel model = with_adapter(plain(), {.rank = 3, .targets = {"all-linear"}});
  shake(model);
  const std::string base = hash_tensors(model.parameters.values());
  const TensorMap before = model.adapter->parameters.copy();
  logits(model).square().sum().backward();
  for (const std::string& name : model.parameters.names()) {
    EXPECT_FALSE(model.parameters.at(name).requires_grad()) << name;
    EXPECT_FALSE(model.parameters.at(name).grad().defined()) << name;
  }
  torch::NoGradGuard no_grad;
  for (const torch::Tensor& parameter : model.trained().tensors()) {
    ASSERT_TRUE(parameter.grad().defined());
    torch::Tensor changed = parameter;
    changed.sub_(parameter.grad(), .1);
  }
  for (const std::string& name : model.adapter->parameters.names())
    EXPECT_FALSE(at::equal(model.adapter->parameters.at(name), before.at(name))) << name;
  EXPECT_EQ(hash_tensors(model.parameters.values()), base);
}

TEST_P(Adapters, GradientsOfAAndBAreThoseOfTheMergedWeight) {
  const std::string target = gpt2() ? "0.mlp.c_fc" : "0.mlp.up_proj";
  LanguageModel model = with_adapter(plain(), {.rank = 3, .alpha = 6, .targets = {target}});
  shake(model);
  LanguageModel whole = merged(model);
  const torch::Tensor direction = normal_values({14, 50}, 1, {.seed = 3, .stage = "direction"});
  (logits(model) * direction).sum().backward();
  (logits(whole) * direction).sum().backward();
  const std::string module = gpt2() ? "h." + target : "model.layers." + target;
  torch::Tensor gradient = whole.parameters.at(module + ".weight").grad();  // W = W0 + scale B A
  if (gpt2()) gradient = gradient.t();                                      // [out, in]
  const std::string name = checkpoint_prefix(model.config.family) + module;
  const torch::Tensor &a = model.adapter->parameters.at(name + ".lora_A.weight"),
                      &b = model.adapter->parameters.at(name + ".lora_B.weight");
  const double scale = model.adapter->scale();
  EXPECT_EQ(scale, 2);
  const auto near = [](const torch::Tensor& found, const torch::Tensor& expected) {
    return difference(found, expected) < 1e-4 * (1 + expected.abs().max().item<float>());
  };
  EXPECT_TRUE(near(a.grad(), scale * at::mm(b.detach().t(), gradient)));
  EXPECT_TRUE(near(b.grad(), scale * at::mm(gradient, a.detach().t())));
}

TEST_P(Adapters, ACopySharesTheFrozenWeightsAndNotTheTrainedOnes) {
  const LanguageModel model = with_adapter(plain(), {.rank = 3});
  const LanguageModel copy = model.copy();
  for (const std::string& name : model.parameters.names())
    EXPECT_EQ(copy.parameters.at(name).data_ptr(), model.parameters.at(name).data_ptr());
  for (const std::string& name : model.trained().names()) {
    EXPECT_NE(copy.trained().at(name).data_ptr(), model.trained().at(name).data_ptr());
    EXPECT_TRUE(at::equal(copy.trained().at(name), model.trained().at(name)));
  }
}

TEST_P(Adapters, ACopyThatLearnsLeavesTheFirstAsItIs) {
  const LanguageModel model = with_adapter(plain(), {.rank = 3, .targets = {"all-linear"}});
  const torch::Tensor before = logits(model);
  LanguageModel copy = model.copy();
  shake(copy);
  EXPECT_TRUE(at::equal(logits(model), before));
  EXPECT_GT(difference(logits(copy), before), 1e-2);
}

TEST_P(Adapters, DropoutComesOnlyWhereItIsAskedForAndIsAFunctionOfItsKey) {
  LanguageModel model = with_adapter(plain(), {.rank = 3, .dropout = .5});
  shake(model);
  const auto run = [&](std::uint64_t key) {
    ForwardOptions options;
    options.adapter_dropout = true;
    options.dropout_key = key;
    return logits(model, options);
  };
  EXPECT_TRUE(at::equal(logits(model), logits(model)));
  EXPECT_TRUE(at::equal(run(1), run(1)));
  EXPECT_FALSE(at::equal(run(1), run(2)));
  EXPECT_FALSE(at::equal(run(1), logits(model)));
}

TEST_P(Adapters, TheRowsAreWhatTokensReadAndWriteWith) {
  LanguageModel model = with_adapter(plain(), {.rank = 3});
  shake(model);
  const Weights weights = cast(model, torch::kFloat32);
  const OuterNames names = outer_names(model.config.family);
  const auto expect_rows = [&](const torch::Tensor& table, const char* name) {
    const torch::Tensor rows = model.adapter->parameters.at(rows_name(model.config, name));
    EXPECT_EQ(rows.sizes(), (std::vector<std::int64_t>{kRows, 16}));
    EXPECT_TRUE(at::equal(table.narrow(0, kFirstRow, kRows), rows));
    EXPECT_TRUE(at::equal(table.narrow(0, 0, kFirstRow),
                          model.parameters.at(name).narrow(0, 0, kFirstRow)));
  };
  expect_rows(weights.embedding, names.embedding);
  expect_rows(weights.head, model.config.tied ? names.embedding : names.head);
}

TEST_P(Adapters, AShapeIsKnownBeforeThereIsAnAdapter) {
  const LoraSettings settings{.rank = 3, .targets = {"all-linear"}};
  const LanguageModel model = with_adapter(plain(), settings);
  const std::vector<TensorShape> shapes = adapter_shapes(model.config, settings, kRows);
  ASSERT_EQ(shapes.size(), model.adapter->parameters.names().size());
  for (const TensorShape& tensor : shapes)
    EXPECT_EQ(model.adapter->parameters.at(tensor.name).sizes(), c10::IntArrayRef(tensor.shape));
}

TEST_P(Adapters, ATargetThatNamesNothingIsRefusedByName) {
  const LanguageModel model = plain();
  const auto message = [&](const LoraSettings& settings) -> std::string {
    try {
      new_adapter(model.config, model.parameters, settings, 0, 0, 5);
    } catch (const base::UsageError& error) {
      return error.what();
    }
    return "";
  };
  const std::string good = gpt2() ? "c_attn" : "q_proj";
  EXPECT_EQ(message({.rank = 3, .targets = {good}}), "");
  for (const char* bad : {"attn", "_attn", "2.mlp.c_fc", "wte", ""})
    EXPECT_NE(message({.rank = 3, .targets = {good, bad}}).find('"' + std::string(bad) + '"'),
              std::string::npos)
        << bad;
  EXPECT_NE(message({.rank = 0}).find("rank 0"), std::string::npos);
}

TEST(Lora, ByDefaultQueriesKeysAndValuesHaveOne) {
  const LanguageModel gpt2 = with_adapter(random_model(tiny("gpt2"), 1), {.rank = 3});
  EXPECT_EQ(
      gpt2.adapter->parameters.names(),
      (std::vector<std::string>{
          "transformer.h.0.attn.c_attn.lora_A.weight", "transformer.h.0.attn.c_attn.lora_B.weight",
          "transformer.h.1.attn.c_attn.lora_A.weight", "transformer.h.1.attn.c_attn.lora_B.weight",
          "transformer.wte.token_adapter.trainable_tokens_delta"}));
  const LanguageModel llama = with_adapter(random_model(tiny("llama"), 1), {.rank = 3});
  // 2 layers of 3 modules of 2 tensors, and rows of an untied embedding and head
  EXPECT_EQ(llama.adapter->parameters.names().size(), 14u);
  EXPECT_EQ(llama.adapter->parameters.names().back(),
            "lm_head.token_adapter.trainable_tokens_delta");
}

TEST(Lora, ANewOneIsAFunctionOfItsSeedWithinItsBound) {
  const LanguageModel model = random_model(tiny("llama"), 1);
  const auto made = [&](std::uint64_t seed) {
    return new_adapter(model.config, model.parameters, {.rank = 3}, 0, 0, seed);
  };
  EXPECT_EQ(hash_tensors(made(5).parameters.values()), hash_tensors(made(5).parameters.values()));
  EXPECT_NE(hash_tensors(made(5).parameters.values()), hash_tensors(made(6).parameters.values()));
  const Adapter adapter = made(5);
  const torch::Tensor& a = adapter.parameters.at("model.layers.0.self_attn.q_proj.lora_A.weight");
  EXPECT_LE(a.abs().max().item<float>(), .25);  // 1 / sqrt(16)
  EXPECT_GT(a.abs().max().item<float>(), .2);
}

// Frozen weights are cast once; a change of the type to compute in must not be missed.
TEST(Lora, TheFrozenWeightsComeInTheTypeThatIsAskedFor) {
  LanguageModel model = with_adapter(random_model(tiny("llama"), 1), {.rank = 3});
  shake(model);
  const torch::Tensor full = logits(model);
  EXPECT_EQ(cast(model, torch::kBFloat16).layers[0].qkv.weight.scalar_type(), torch::kBFloat16);
  EXPECT_TRUE(at::equal(logits(model), full));
}

}  // namespace
}  // namespace model
