#include "model/language_model.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/decoder.h"
#include "model/forward.h"
#include "model/test_models.h"

namespace model {
namespace {

using testing::difference;
using testing::sequence;
using testing::tiny;

// Every family: what differs between them must not change what follows.
class Families : public ::testing::TestWithParam<const char*> {
 protected:
  LanguageModel model() const { return random_model(tiny(GetParam()), 1); }
  Weights weights() const { return cast(model(), torch::kFloat32); }
};
INSTANTIATE_TEST_SUITE_P(All, Families,
                         ::testing::Values("gpt2", "gpt2-switches", "llama", "qwen2"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(Families, PackedSequencesGiveWhatEachGivesAlone) {
  const Weights w = weights();
  const torch::Tensor together =
      hidden_states(w, pack({sequence(5, 1), sequence(9, 2), sequence(1, 3)}));
  EXPECT_LT(difference(together.narrow(0, 0, 5), hidden_states(w, pack({sequence(5, 1)}))), 1e-5);
  EXPECT_LT(difference(together.narrow(0, 5, 9), hidden_states(w, pack({sequence(9, 2)}))), 1e-5);
}

TEST_P(Families, TheNativeKernelsAgreeWithTheReferenceForwardAndBackward) {
  const Packed packed = pack({sequence(5, 1), sequence(9, 2)});
  LanguageModel ours = model(), plain = ours.copy();
  const torch::Tensor direction = normal_values({14, 16}, 1, {.seed = 3, .stage = "direction"});
  ForwardOptions reference;
  reference.backend = kernels::Backend::reference;
  const torch::Tensor a = hidden_states(cast(ours, torch::kFloat32), packed),
                      b = hidden_states(cast(plain, torch::kFloat32), packed, reference);
  EXPECT_LT(difference(a, b), 1e-5);
  (a * direction).sum().backward();
  (b * direction).sum().backward();
  for (const std::string& name : ours.parameters.names()) {
    const torch::Tensor &mine = ours.parameters.at(name).grad(),
                        &theirs = plain.parameters.at(name).grad();
    if (!theirs.defined()) continue;  // an untied head: not part of the hidden states
    EXPECT_LT(difference(mine, theirs), 1e-4 * (1 + theirs.abs().max().item<float>())) << name;
  }
}

// Sequences 1 and 2 with 3 and 4 tokens behind one prefix of 5, and one of 6 by itself.
TEST_P(Families, BehindAPrefixIsBehindACopyOfIt) {
  const auto joined = [](std::vector<int> a, const std::vector<int>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  };
  const std::vector<int> prefix = sequence(5, 1), one = sequence(3, 2), other = sequence(4, 3);
  const Packed behind = pack({prefix, one, sequence(6, 4), other}, {-1, 0, -1, 0}),
               copied = pack({joined(prefix, one), sequence(6, 4), joined(prefix, other)});
  const torch::Tensor rows =
      torch::tensor({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 19, 20, 21, 22}, torch::kInt64);
  LanguageModel ours = model(), plain = ours.copy();
  const torch::Tensor direction = normal_values({18, 16}, 1, {.seed = 3, .stage = "direction"});
  const torch::Tensor a = hidden_states(cast(ours, torch::kFloat32), behind),
                      b = hidden_states(cast(plain, torch::kFloat32), copied).index_select(0, rows);
  EXPECT_LT(difference(a, b), 1e-5);
  ForwardOptions some;
  some.rows = torch::tensor({4, 6, 17}, torch::kInt64);
  EXPECT_LT(difference(hidden_states(cast(ours, torch::kFloat32), behind, some),
                       a.index_select(0, some.rows)),
            1e-5);
  (a * direction).sum().backward();
  (b * direction).sum().backward();
  for (const std::string& name : ours.parameters.names()) {
    const torch::Tensor &mine = ours.parameters.at(name).grad(),
                        &theirs = plain.parameters.at(name).grad();
    if (!theirs.defined()) continue;  // an untied head: not part of the hidden states
    EXPECT_LT(difference(mine, theirs), 1e-5 * (1 + theirs.abs().max().item<float>())) << name;
  }
}

TEST_P(Families, DropoutIsAFunctionOfItsKey) {
  const Weights w = weights();
  const auto run = [&](std::uint64_t key) {
    ForwardOptions options;
    options.dropout = .3;
    options.dropout_key = key;
    return hidden_states(w, pack({sequence(9, 2)}), options);
  };
  EXPECT_TRUE(at::equal(run(1), run(1)));
  EXPECT_FALSE(at::equal(run(1), run(2)));
}

TEST_P(Families, DecodingGivesTheHiddenStatesOfTheWholeForward) {
  const Weights w = weights();
  const std::vector<int> a = sequence(6, 1), b = sequence(9, 2);
  Decoder decoder(w, 3, 32);
  const auto first = decoder.start({{a.begin(), a.begin() + 4}});
  const auto second = decoder.start({{b.begin(), b.begin() + 8}});  // joins later
  torch::Tensor hidden = decoder.append({first.slots[0]}, {a[4]});
  hidden = decoder.append({second.slots[0], first.slots[0]}, {b[8], a[5]});
  EXPECT_LT(difference(hidden[1], hidden_states(w, pack({a}))[5]), 1e-5);
  EXPECT_LT(difference(hidden[0], hidden_states(w, pack({b}))[8]), 1e-5);
  EXPECT_LT(difference(second.last_hidden[0], hidden_states(w, pack({b}))[7]), 1e-5);
  decoder.end(first.slots[0]);
  EXPECT_EQ(decoder.free_slots(), 2);
}

TEST_P(Families, ASequenceLongerThanThePositionsIsRefused) {
  EXPECT_THROW(hidden_states(weights(), pack({sequence(33, 0)})), base::Error);
  EXPECT_NO_THROW(hidden_states(weights(), pack({sequence(20, 0), sequence(12, 0)}, {-1, 0})));
  EXPECT_THROW(hidden_states(weights(), pack({sequence(20, 0), sequence(13, 0)}, {-1, 0})),
               base::Error);
}

TEST_P(Families, ALargerVocabularyChangesNothingForTheOldTokens) {
  LanguageModel larger = model();
  extend_vocabulary(larger, 60, 4);
  EXPECT_EQ(larger.config.vocabulary, 60);
  const Weights before = weights(), after = cast(larger, torch::kFloat32);
  const Packed packed = pack({sequence(9, 2)});
  EXPECT_TRUE(at::equal(hidden_states(before, packed), hidden_states(after, packed)));
  EXPECT_TRUE(at::equal(before.head, after.head.narrow(0, 0, 50)));
  const torch::Tensor added = after.head.narrow(0, 50, 10);
  EXPECT_LT(difference(added.mean(0), before.head.mean(0)), .01);
  EXPECT_GT(added.std(0).max().item<float>(), 0);
}

TEST_P(Families, TensorsThatDoNotFitAreRefusedByName) {
  const LanguageModel whole = model();
  const auto message = [&](const TensorMap& tensors) -> std::string {
    try {
      model_from_tensors(whole.config, tensors, "here");
    } catch (const base::Error& error) {
      return error.what();
    }
    return "no error";
  };
  const std::string name = tensor_shapes(whole.config)[3].name;
  TensorMap tensors = whole.parameters.copy();
  EXPECT_EQ(message(tensors), "no error");
  tensors.erase(name);
  EXPECT_NE(message(tensors).find(name + " is missing"), std::string::npos);
  tensors[name] = torch::zeros({3});
  EXPECT_NE(message(tensors).find(name + " is [3], expected"), std::string::npos);
  tensors[name] = torch::zeros(whole.parameters.at(name).sizes(), torch::kInt64);
  EXPECT_NE(message(tensors).find("no floating-point"), std::string::npos);
  tensors = whole.parameters.copy();
  tensors["extra"] = torch::zeros({3});
  EXPECT_NE(message(tensors).find("extra that this model does not have"), std::string::npos);
}

TEST(LanguageModel, WantedRowsAreThoseOfTheWhole) {
  const LanguageModel model = random_model(gpt2_config(2, 2, 16, 32, 50), 3);
  torch::NoGradGuard no_grad;
  const Weights w = cast(model, torch::kFloat32);
  const Packed packed = pack({sequence(5, 1), sequence(9, 2)});
  ForwardOptions options;
  options.rows = torch::tensor({4, 13, 6}, torch::kInt64);
  EXPECT_LT(difference(hidden_states(w, packed, options),
                       hidden_states(w, packed).index_select(0, options.rows)),
            1e-6);
}

TEST(LanguageModel, ItsOwnFp32TensorsAreNotCopied) {
  const LanguageModel model = random_model(tiny("llama"), 1);
  const TensorMap tensors = model.parameters.copy();
  const LanguageModel made = model_from_tensors(model.config, tensors, "here");
  for (const auto& [name, tensor] : tensors)
    EXPECT_EQ(made.parameters.at(name).data_ptr(), tensor.data_ptr()) << name;
}

}  // namespace
}  // namespace model
