#include "model/encoder.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "model/safetensors.h"
#include "model/test_models.h"

namespace model {
namespace {

using testing::difference;
using testing::encoder_config;
using testing::encoder_tensors;
using testing::sequence;

const std::vector<std::string> kLabels = {"negative", "neutral", "positive"};

class Encoders : public ::testing::TestWithParam<const char*> {
 protected:
  Encoders() { write(tensors()); }

  base::Json config() const { return encoder_config(GetParam(), 50, kLabels); }
  TensorMap tensors() const { return encoder_tensors(GetParam(), 50, 3); }
  void write(const TensorMap& tensors) const {
    base::write_json(folder_.path() / "config.json", config());
    write_safetensors(folder_.path() / "model.safetensors", tensors);
  }
  Encoder encoder() const { return Encoder(folder_.path()); }

  // What is said of the folder; empty where it is read.
  std::string refusal_of(const TensorMap& tensors) const {
    write(tensors);
    try {
      encoder();
    } catch (const base::Error& error) {
      return error.kind() == base::ErrorKind::data ? error.what() : "no data error";
    }
    return "";
  }

  base::TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(All, Encoders, ::testing::Values("bert", "roberta"));

// Texts of several lengths, some alike.
std::vector<std::vector<int>> texts() {
  return {sequence(5, 1), sequence(32, 2), sequence(1, 3), sequence(5, 4), sequence(9, 5)};
}

TEST_P(Encoders, ATextGivesTheSameInAnyOrderAndBesideAnyNeighbours) {
  const Encoder reader = encoder();
  std::vector<std::vector<int>> turned = texts();
  std::reverse(turned.begin(), turned.end());
  const torch::Tensor classes = reader.classify(texts()), means = reader.embed(texts());
  EXPECT_EQ(classes.sizes(), (std::vector<std::int64_t>{5, 3}));
  EXPECT_EQ(means.sizes(), (std::vector<std::int64_t>{5, 16}));
  EXPECT_LT(difference(reader.classify(turned).flip(0), classes), 1e-5);
  EXPECT_LT(difference(reader.embed(turned).flip(0), means), 1e-5);
  for (std::size_t i = 0; i < texts().size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    EXPECT_LT(difference(reader.classify({texts()[i]})[0], classes[row]), 1e-5) << i;
    EXPECT_LT(difference(reader.embed({texts()[i]})[0], means[row]), 1e-5) << i;
  }
}

TEST_P(Encoders, MoreTextsThanOneBatchHoldsComeBackInTheirPlaces) {
  const Encoder reader = encoder();
  std::vector<std::vector<int>> many;  // 400 texts of up to 32 tokens: over 4096
  for (int i = 0; i < 400; ++i) many.push_back(sequence(1 + i % 32, i % 50));
  const torch::Tensor means = reader.embed(many);
  for (int i : {0, 31, 200, 399})
    EXPECT_LT(difference(means[i], reader.embed({many[static_cast<std::size_t>(i)]})[0]), 1e-5);
  EXPECT_EQ(reader.embed({}).sizes(), (std::vector<std::int64_t>{0, 16}));
}

TEST_P(Encoders, AnEmbeddingIsTheMeanOfTheHiddenStates) {
  const Encoder reader = encoder();
  const torch::Tensor states = reader.hidden_states(pack({sequence(5, 1), sequence(7, 2)}));
  EXPECT_EQ(states.sizes(), (std::vector<std::int64_t>{12, 16}));
  const torch::Tensor means = reader.embed({sequence(5, 1), sequence(7, 2)});
  EXPECT_LT(difference(means[0], states.narrow(0, 0, 5).mean(0)), 1e-5);
  EXPECT_LT(difference(means[1], states.narrow(0, 5, 7).mean(0)), 1e-5);
}

TEST_P(Encoders, EveryTokenSeesTheWholeText) {
  const Encoder reader = encoder();
  std::vector<int> text = sequence(6, 1);
  const torch::Tensor before = reader.hidden_states(pack({text}));
  text.back() += 1;
  EXPECT_GT(difference(reader.hidden_states(pack({text}))[0], before[0]), 1e-4);
}

TEST_P(Encoders, ATextThatIsTooLongOrEmptyIsRefused) {
  const Encoder reader = encoder();
  EXPECT_EQ(reader.config().longest(), 32);
  EXPECT_THROW(reader.classify({sequence(33, 0)}), base::Error);
  EXPECT_THROW(reader.embed({sequence(3, 0), {}}), base::Error);
}

TEST_P(Encoders, NamesWithoutPrefixAndLayerNormsOldNamesAreRead) {
  const torch::Tensor expected = encoder().classify(texts());
  TensorMap old;
  for (const auto& [current, tensor] : tensors()) {
    const std::string prefix = std::string(GetParam()) + ".";
    std::string name = current.starts_with(prefix) ? current.substr(prefix.size()) : current;
    const std::size_t norm = name.find("LayerNorm.");
    if (norm != std::string::npos)
      name = name.substr(0, norm) + "LayerNorm." + (name.ends_with("weight") ? "gamma" : "beta");
    old[name] = tensor;
  }
  EXPECT_EQ(refusal_of(old), "");
  EXPECT_TRUE(at::equal(encoder().classify(texts()), expected));
}

TEST_P(Encoders, WithoutAClassifiersWeightsItOnlyEmbeds) {
  EXPECT_TRUE(encoder().is_classifier());
  EXPECT_EQ(encoder().config().labels, kLabels);
  TensorMap body;
  for (const auto& [name, tensor] : tensors())
    if (name.find("classifier") == std::string::npos) body[name] = tensor;
  EXPECT_EQ(refusal_of(body), "");
  EXPECT_FALSE(encoder().is_classifier());
  EXPECT_EQ(encoder().embed(texts()).size(0), 5);
  EXPECT_THROW(encoder().classify(texts()), base::Error);
}

TEST_P(Encoders, TensorsThatDoNotFitAreRefusedByName) {
  const std::string body = std::string(GetParam()) + ".", name = "embeddings.LayerNorm.bias";
  TensorMap damaged = tensors();
  damaged.erase(body + name);
  EXPECT_NE(refusal_of(damaged).find("the tensor " + name + " is missing"), std::string::npos);
  damaged[body + name] = torch::zeros({15});
  EXPECT_NE(refusal_of(damaged).find(name + " is [15], expected [16]"), std::string::npos);
  damaged[body + name] = torch::zeros({16}, torch::kInt32);
  EXPECT_NE(refusal_of(damaged).find(name + " holds no floating-point"), std::string::npos);
  damaged[body + name] = damaged[name] = torch::zeros({16});
  EXPECT_NE(refusal_of(damaged).find("holds the tensor " + name + " twice"), std::string::npos);
}

TEST_P(Encoders, AClassifierOfMoreLabelsThanAreNamedIsRefused) {
  EXPECT_NE(refusal_of(encoder_tensors(GetParam(), 50, 4)).find("is [4, 16], expected [3, 16]"),
            std::string::npos);
}

}  // namespace
}  // namespace model
