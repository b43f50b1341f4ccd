#include "model/gpt2_layer.h"

#include <gtest/gtest.h>

#include "kernels/test_tensors.h"
#include "model/test_models.h"

namespace model {
namespace {

using kernels::testing::relative_error;

// Two layers, heads 32 wide: what the bf16 kernels take.
LanguageModel small_gpt2() { return random_model(gpt2_config(2, 2, 64, 64, 40), 1); }

Packed three_sequences() {
  const auto ids = [](int count, int first) {
    std::vector<int> made;
    for (int i = 0; i < count; ++i) made.push_back((first + 7 * i) % 40);
    return made;
  };
  return pack({ids(5, 1), ids(20, 2), ids(33, 3)}, {-1, 0, -1});
}

// The gradients of a fixed weighing of the last hidden states.
struct Result {
  torch::Tensor hidden;
  TensorMap gradients;
};
Result run(torch::Dtype type, const ForwardOptions& options) {
  LanguageModel model = small_gpt2();
  Result result;
  result.hidden = hidden_states(cast(model, type), three_sequences(), options);
  const torch::Tensor direction =
      normal_values({result.hidden.size(0), 64}, 1, {.seed = 3, .stage = "direction"});
  (result.hidden.to(torch::kFloat32) * direction).sum().backward();
  for (const std::string& name : model.parameters.names())
    result.gradients[name] = model.parameters.at(name).grad();
  return result;
}

void expect_as_in_libtorch(torch::Dtype type, const ForwardOptions& options, double tolerance) {
  ForwardOptions reference = options;
  reference.backend = kernels::Backend::reference;
  const Result ours = run(type, options), wanted = run(torch::kFloat32, reference);
  EXPECT_LT(relative_error(ours.hidden, wanted.hidden), tolerance);
  for (const auto& [name, gradient] : wanted.gradients)
    EXPECT_LT(relative_error(ours.gradients.at(name), gradient), tolerance) << name;
}

TEST(Gpt2Layer, AgreesWithTheLayerOfLibtorchForwardAndBackward) {
  expect_as_in_libtorch(torch::kFloat32, {}, 1e-5);
}

TEST(Gpt2Layer, DropsOutWhatTheLayerOfLibtorchDoes) {
  ForwardOptions options;
  options.dropout = .2;
  options.dropout_key = 5;
  expect_as_in_libtorch(torch::kFloat32, options, 1e-5);
}

TEST(Gpt2Layer, GivesTheWantedRowsAloneAndTheirGradients) {
  ForwardOptions options;
  options.rows = torch::tensor({4, 11, 57}, torch::kInt64);
  expect_as_in_libtorch(torch::kFloat32, options, 1e-5);
}

TEST(Gpt2Layer, InBf16StaysNearFp32) {
  expect_as_in_libtorch(torch::kBFloat16, {}, 2e-2);  // two layers of numbers of 8 bits
}

TEST(Gpt2Layer, ShowsEachLayersQueriesKeysAndValuesOnce) {
  std::vector<std::size_t> layers;
  ForwardOptions options;
  options.on_qkv = [&](std::size_t layer, const torch::Tensor& qkv) {
    layers.push_back(layer);
    EXPECT_EQ(qkv.sizes(), (std::vector<std::int64_t>{58, 192}));
  };
  run(torch::kFloat32, options);
  EXPECT_EQ(layers, (std::vector<std::size_t>{0, 1}));
}

TEST(Gpt2Layer, IsForGpt2sKindAlone) {
  EXPECT_TRUE(has_gpt2_layers(cast(small_gpt2(), torch::kBFloat16)));
  EXPECT_FALSE(has_gpt2_layers(cast(small_gpt2(), torch::kFloat64)));
  EXPECT_FALSE(has_gpt2_layers(cast(random_model(testing::tiny("llama"), 1), torch::kFloat32)));
}

}  // namespace
}  // namespace model
