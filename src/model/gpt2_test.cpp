#include "model/gpt2.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/decoder.h"

namespace model {
namespace {

const Gpt2Config kTiny{
    .n_layer = 2, .n_head = 2, .n_embd = 16, .n_positions = 32, .vocab_size = 50};

std::vector<int> sequence(int length, int start) {
  std::vector<int> ids;
  for (int i = 0; i < length; ++i) ids.push_back((start + 7 * i) % 50);
  return ids;
}

float difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a - b).abs().max().item<float>();
}

TEST(Gpt2, PackedSequencesGiveWhatEachGivesAlone) {
  const Gpt2 model = random_gpt2(kTiny, 1);
  const Gpt2Weights weights = cast(model, torch::kFloat32);
  const torch::Tensor together =
      hidden_states(weights, pack({sequence(5, 1), sequence(9, 2), sequence(1, 3)}));
  EXPECT_LT(difference(together.narrow(0, 0, 5), hidden_states(weights, pack({sequence(5, 1)}))),
            1e-5);
  EXPECT_LT(difference(together.narrow(0, 5, 9), hidden_states(weights, pack({sequence(9, 2)}))),
            1e-5);
}

TEST(Gpt2, TheNativeKernelsAgreeWithTheReference) {
  const Gpt2Weights weights = cast(random_gpt2(kTiny, 1), torch::kFloat32);
  const Packed packed = pack({sequence(5, 1), sequence(9, 2)});
  ForwardOptions reference;
  reference.backend = kernels::Backend::reference;
  EXPECT_LT(difference(hidden_states(weights, packed), hidden_states(weights, packed, reference)),
            1e-5);
}

TEST(Gpt2, DropoutIsAFunctionOfItsKey) {
  const Gpt2Weights weights = cast(random_gpt2(kTiny, 1), torch::kFloat32);
  const Packed packed = pack({sequence(9, 2)});
  const auto run = [&](std::uint64_t key) {
    ForwardOptions options;
    options.dropout = .3;
    options.dropout_key = key;
    return hidden_states(weights, packed, options);
  };
  EXPECT_TRUE(at::equal(run(1), run(1)));
  EXPECT_FALSE(at::equal(run(1), run(2)));
}

TEST(Gpt2, RefusesASequenceLongerThanItsPositions) {
  const Gpt2Weights weights = cast(random_gpt2(kTiny, 1), torch::kFloat32);
  EXPECT_THROW(hidden_states(weights, pack({sequence(33, 0)})), base::Error);
}

TEST(Gpt2, ConfigComesBackAndKeepsUnknownKeys) {
  Gpt2Config config = kTiny;
  config.other["my_key"] = 3;
  const Gpt2Config back = parse_config(config_json(config), "config.json");
  EXPECT_EQ(back.n_embd, 16);
  EXPECT_EQ(back.other["my_key"], 3);
  base::Json wrong = config_json(config);
  wrong["activation_function"] = "relu";
  EXPECT_THROW(parse_config(wrong, "config.json"), base::Error);
}

TEST(Decoder, GivesTheHiddenStatesOfTheWholeForward) {
  const Gpt2Weights weights = cast(random_gpt2(kTiny, 1), torch::kFloat32);
  const std::vector<int> a = sequence(6, 1), b = sequence(9, 2);
  Decoder decoder(weights, 3, 32);
  const auto first = decoder.start({{a.begin(), a.begin() + 4}});
  const auto second = decoder.start({{b.begin(), b.begin() + 8}});  // joins later
  torch::Tensor hidden = decoder.append({first.slots[0]}, {a[4]});
  hidden = decoder.append({second.slots[0], first.slots[0]}, {b[8], a[5]});
  EXPECT_LT(difference(hidden[1], hidden_states(weights, pack({a}))[5]), 1e-5);
  EXPECT_LT(difference(hidden[0], hidden_states(weights, pack({b}))[8]), 1e-5);
  EXPECT_LT(difference(second.last_hidden[0], hidden_states(weights, pack({b}))[7]), 1e-5);
  decoder.end(first.slots[0]);
  EXPECT_EQ(decoder.free_slots(), 2);
}

}  // namespace
}  // namespace model
