#include "model/decoder.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/bf16_tiles.h"
#include "kernels/fp32_tiles.h"
#include "kernels/sampling.h"
#include "kernels/test_tensors.h"
#include "model/lora.h"
#include "model/test_models.h"

namespace model {
namespace {

// A model whose most probable next token is the last one and 1, whatever came before: layers add
// nothing, positions are 0, and a token's row of the output layer is its predecessor's embedding.
Weights counting_model() {
  ModelConfig config = testing::tiny("gpt2");
  config.tied = false;
  LanguageModel model = random_model(config, 1);
  torch::NoGradGuard no_grad;
  model.parameters.at("wpe.weight").zero_();
  for (const std::string& name : model.parameters.names())
    if (name.find("c_proj") != std::string::npos) model.parameters.at(name).zero_();
  const torch::Tensor embedding = model.parameters.at("wte.weight");  // [V, C]
  const torch::Tensor centred = embedding - embedding.mean(1, true);
  embedding.copy_(centred / centred.norm(2, 1, true));
  model.parameters.at("lm_head.weight").copy_(embedding.roll(1, 0));
  return cast(model, torch::kFloat32);
}

std::vector<int> most_probable(const Weights& weights, const torch::Tensor& hidden) {
  const torch::Tensor logits = at::linear(hidden, weights.head).contiguous();  // [B, V]
  std::vector<int> tokens;
  for (std::int64_t b = 0; b < logits.size(0); ++b)
    tokens.push_back(static_cast<int>(
        kernels::draw(logits[b].data_ptr<float>(), logits.size(1), /*temperature=*/0, 0).index));
  return tokens;
}

TEST(Decoder, CountsOnWithAModelThatCounts) {
  const Weights weights = counting_model();
  Decoder decoder(weights, 2, 32);
  const auto started = decoder.start({{7}, {30, 2, 41}});
  torch::Tensor hidden = started.last_hidden;
  std::vector<std::vector<int>> said;
  for (int step = 0; step < 4; ++step) {
    said.push_back(most_probable(weights, hidden));
    hidden = decoder.append(started.slots, said.back());
  }
  EXPECT_EQ(said, (std::vector<std::vector<int>>{{8, 42}, {9, 43}, {10, 44}, {11, 45}}));
}

// Widths that 32 divides, whose matrices are packed where the processor has bf16 products.
TEST(Decoder, InBf16FollowsTheWholeForwardPass) {
  ModelConfig llama = testing::tiny("llama");
  llama.width = 64;
  llama.inner = 96;
  llama.heads = 4;
  llama.key_heads = 2;
  llama.head_width = 32;
  for (const ModelConfig& config : {gpt2_config(2, 2, 64, 32, 50), llama}) {
    torch::NoGradGuard no_grad;
    const Weights weights = cast(random_model(config, 1), torch::kBFloat16);
    const std::vector<int> tokens = testing::sequence(20, 1);
    const torch::Tensor whole = hidden_states(weights, pack({tokens}));
    Decoder decoder(weights, 3, 32);
    EXPECT_EQ(decoder.weights().layers[1].down.packed.defined(), kernels::bf16_tiles::available());
    const auto started = decoder.start({{tokens.begin(), tokens.begin() + 5}});
    const auto error = [&](const torch::Tensor& hidden, std::size_t t) {
      return kernels::testing::relative_error(hidden[0], whole[static_cast<std::int64_t>(t)]);
    };
    EXPECT_LT(error(started.last_hidden, 4), 2e-2);  // bf16 has 8 bits
    for (std::size_t t = 5; t < tokens.size(); ++t)
      EXPECT_LT(error(decoder.append(started.slots, {tokens[t]}), t), 2e-2) << "token " << t;
  }
}

TEST(Decoder, InInt8FollowsTheWholeForwardPassLessExactly) {
  for (const ModelConfig& config : {gpt2_config(2, 2, 64, 32, 50), testing::tiny("llama")})
    for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16}) {
      torch::NoGradGuard no_grad;
      const Weights weights = cast(random_model(config, 1), type);
      const std::vector<int> tokens = testing::sequence(20, 1);
      const torch::Tensor whole = hidden_states(weights, pack({tokens}));
      Decoder decoder(weights, 3, 32, kernels::MatrixNumbers::int8);
      const auto started = decoder.start({{tokens.begin(), tokens.begin() + 5}});
      for (std::size_t t = 5; t < tokens.size(); ++t) {
        const torch::Tensor hidden = decoder.append(started.slots, {tokens[t]});
        EXPECT_EQ(hidden.scalar_type(), type);
        const double error =
            kernels::testing::relative_error(hidden[0], whole[static_cast<std::int64_t>(t)]);
        EXPECT_LT(error, 6e-2) << "token " << t;
        EXPECT_GT(error, 1e-4) << "token " << t;
      }
    }
}

// Matrices with adapters are not packed.
TEST(Decoder, WithAnAdapterBesideFollowsTheWholeForwardPass) {
  LanguageModel model = random_model(gpt2_config(2, 2, 64, 32, 50), 1);
  attach(model, new_adapter(model.config, model.parameters, {.rank = 2}, 48, 2, 5));
  torch::NoGradGuard no_grad;
  for (const torch::Tensor& tensor : model.trained().tensors()) tensor.add_(.1);
  const Weights weights = cast(model, torch::kFloat32);
  const std::vector<int> tokens = testing::sequence(9, 1);
  const torch::Tensor whole = hidden_states(weights, pack({tokens}));
  Decoder decoder(weights, 1, 32), plain(cast(merged(model), torch::kFloat32), 1, 32);
  EXPECT_FALSE(decoder.weights().layers[1].qkv.packed.defined());
  EXPECT_EQ(plain.weights().layers[1].qkv.packed.defined(), kernels::fp32::available());
  const auto started = decoder.start({{tokens.begin(), tokens.begin() + 5}}),
             also = plain.start({{tokens.begin(), tokens.begin() + 5}});
  for (std::size_t t = 5; t < tokens.size(); ++t) {
    const torch::Tensor wanted = whole[static_cast<std::int64_t>(t)];
    EXPECT_LT(
        kernels::testing::relative_error(decoder.append(started.slots, {tokens[t]})[0], wanted),
        1e-5)
        << "token " << t;
    EXPECT_LT(kernels::testing::relative_error(plain.append(also.slots, {tokens[t]})[0], wanted),
              1e-5)
        << "token " << t;
  }
}

TEST(Decoder, InInt8TakesMergedAdaptersOnly) {
  LanguageModel model = random_model(gpt2_config(1, 2, 64, 32, 50), 1);
  attach(model, new_adapter(model.config, model.parameters, {.rank = 2}, 48, 2, 5));
  torch::NoGradGuard no_grad;
  EXPECT_THROW(Decoder(cast(model, torch::kFloat32), 1, 32, kernels::MatrixNumbers::int8),
               base::UsageError);
  EXPECT_NO_THROW(
      Decoder(cast(merged(model), torch::kFloat32), 1, 32, kernels::MatrixNumbers::int8));
}

TEST(Decoder, ASlotThatIsUsedAgainRemembersNothing) {
  const Weights weights = cast(random_model(testing::tiny("gpt2"), 1), torch::kFloat32);
  Decoder used(weights, 1, 32), fresh(weights, 1, 32);
  const auto old = used.start({testing::sequence(20, 5)});
  used.end(old.slots[0]);
  const auto again = used.start({testing::sequence(4, 1)}),
             first = fresh.start({testing::sequence(4, 1)});
  EXPECT_EQ(used.length(again.slots[0]), 4);
  EXPECT_TRUE(at::equal(used.append(again.slots, {9}), fresh.append(first.slots, {9})));
}

TEST(Decoder, EqualPromptsShareTheirWorkAndGoOnByThemselves) {
  const Weights weights = cast(random_model(testing::tiny("gpt2"), 1), torch::kFloat32);
  const std::vector<int> one = testing::sequence(9, 5), other = testing::sequence(6, 2);
  Decoder together(weights, 4, 32);
  const auto started = together.start({one, other, one, one});
  const torch::Tensor after = together.append(started.slots, {3, 4, 5, 3});
  EXPECT_TRUE(at::equal(after[0], after[3]));
  for (int i = 0; i < 4; ++i) {
    Decoder alone(weights, 1, 32);
    const auto single = alone.start({i == 1 ? other : one});
    const auto row = static_cast<std::int64_t>(i);
    EXPECT_LT((single.last_hidden[0] - started.last_hidden[row]).abs().max().item<float>(), 1e-5);
    EXPECT_LT((alone.append(single.slots, {i == 2   ? 5
                                           : i == 1 ? 4
                                                    : 3})[0] -
               after[row])
                  .abs()
                  .max()
                  .item<float>(),
              1e-5);
  }
}

// As run.kernels=reference sets it for a whole run.
TEST(Decoder, InTheReferencePacksNothingAndComesToTheSame) {
  const Weights weights = cast(random_model(gpt2_config(2, 2, 64, 32, 50), 1), torch::kFloat32);
  const auto decode = [&](kernels::Backend backend, bool packs) {
    kernels::set_default_backend(backend);
    Decoder decoder(weights, 2, 16);
    EXPECT_EQ(decoder.weights().layers[1].down.packed.defined(), packs);
    const auto started = decoder.start({{7, 2}, {30, 2, 41}});
    const torch::Tensor next = decoder.append(started.slots, {5, 6});
    kernels::set_default_backend(kernels::Backend::native);
    return at::cat({started.last_hidden, next});
  };
  EXPECT_TRUE(at::allclose(decode(kernels::Backend::native, kernels::fp32::available()),
                           decode(kernels::Backend::reference, /*packs=*/false), 1e-4, 1e-5));
}

TEST(Decoder, AStartThatIsRefusedTakesNoSlot) {
  Decoder decoder(counting_model(), 2, 3);
  EXPECT_THROW(decoder.start({{1}, {1, 2, 3, 4}}), base::Error);
  EXPECT_THROW(decoder.start({{1}, {100000}}), std::exception);  // in the forward pass
  EXPECT_EQ(decoder.free_slots(), 2);
  EXPECT_EQ(decoder.start({{1}, {2}}).slots.size(), 2u);
  EXPECT_EQ(decoder.free_slots(), 0);
}

TEST(Decoder, RefusesWhatHasNoRoom) {
  const Weights weights = counting_model();
  Decoder decoder(weights, 1, 3);
  EXPECT_THROW(decoder.start({{1}, {2}}), base::Error);
  EXPECT_THROW(decoder.start({{1, 2, 3, 4}}), base::Error);
  const auto started = decoder.start({{1, 2, 3}});
  EXPECT_THROW(decoder.append(started.slots, {4}), base::Error);
  EXPECT_THROW(Decoder(weights, 1, 33), base::Error);
}

}  // namespace
}  // namespace model
