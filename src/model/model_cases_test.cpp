// A tiny model of each family, with what transformers computes with it (tests/data/models, written
// by tools/write_model_cases.py).
#include <gtest/gtest.h>

#include "base/json.h"
#include "model/decoder.h"
#include "model/encoder.h"
#include "model/folder.h"
#include "model/test_models.h"

namespace model {
namespace {

using testing::difference;
using Ids = std::vector<int>;

class ModelCases : public ::testing::TestWithParam<const char*> {
 protected:
  std::filesystem::path folder() const {
    return std::filesystem::path("tests/data/models") / GetParam();
  }
  base::Json cases() const { return base::read_json(folder() / "cases.json"); }
};
class DecoderCases : public ModelCases {};
class EncoderCases : public ModelCases {};
INSTANTIATE_TEST_SUITE_P(All, DecoderCases,
                         ::testing::Values("gpt2", "gpt2_switched", "llama3", "qwen2"));
INSTANTIATE_TEST_SUITE_P(All, EncoderCases, ::testing::Values("bert", "roberta"));

torch::Tensor numbers(const base::Json& json) {
  return torch::tensor(json.get<std::vector<float>>());
}

TEST_P(DecoderCases, GivesTheLogitsOfTransformers) {
  const Weights weights = cast(read_model(folder()), torch::kFloat32);
  ASSERT_EQ(cases().size(), 2u);
  for (const base::Json& item : cases()) {
    const torch::Tensor logits = at::mm(hidden_states(weights, pack({item.at("ids").get<Ids>()})),
                                        weights.head.t());  // [T, V]
    ASSERT_EQ(logits.size(0), static_cast<std::int64_t>(item.at("logits").size()));
    for (std::int64_t t = 0; t < logits.size(0); ++t)
      EXPECT_LT(difference(logits[t], numbers(item.at("logits").at(static_cast<std::size_t>(t)))),
                1e-5);
  }
}

TEST_P(DecoderCases, SaysWhatTransformersSays) {
  const Weights weights = cast(read_model(folder()), torch::kFloat32);
  const auto most_likely = [&](const torch::Tensor& hidden) {  // of [1, C]
    return at::mm(hidden, weights.head.t()).argmax(1).item<int>();
  };
  for (const base::Json& item : cases()) {
    Decoder decoder(weights, 1, weights.config.positions);
    const auto started = decoder.start({item.at("ids").get<Ids>()});
    Ids said = {most_likely(started.last_hidden)};
    const Ids expected = item.at("greedy").get<Ids>();
    while (said.size() < expected.size())
      said.push_back(most_likely(decoder.append(started.slots, {said.back()})));
    EXPECT_EQ(said, expected);
  }
}

TEST_P(EncoderCases, GivesTheLogitsAndMeansOfTransformers) {
  const Encoder encoder(folder());
  ASSERT_EQ(cases().size(), 2u);
  for (const base::Json& item : cases()) {
    const auto ids = item.at("ids").get<Ids>();
    EXPECT_LT(difference(encoder.classify({ids})[0], numbers(item.at("logits"))), 1e-5);
    EXPECT_LT(difference(encoder.embed({ids})[0], numbers(item.at("mean"))), 1e-5);
  }
}

}  // namespace
}  // namespace model
