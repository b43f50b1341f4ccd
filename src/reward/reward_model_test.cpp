#include "reward/reward_model.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "reward/test_taste.h"

namespace reward {
namespace {

using testing::Taste;

dialogue::Action action(std::optional<int> item, std::vector<int> named) {
  dialogue::Action a;
  a.item = item;
  for (int i : named) a.mentions.push_back({i, 0, 0});
  return a;
}

TEST(Calibration, GivesMeanZeroAndDeviationOne) {
  // mean 2.5, deviation .5 -> gain 2, bias -5 (lm-human-preferences' rule)
  const Calibration c = calibrate({2.5 - .5, 2.5 + .5, 2.5 - .5, 2.5 + .5});
  EXPECT_NEAR(c.gain, 1 / std::sqrt(1. / 3), 1e-12);  // unbiased deviation of four values half away
  EXPECT_NEAR(c.apply(2.5), 0, 1e-12);
}

TEST(PessimisticScore, IsWhatItsNameSays) {
  const torch::Tensor scores = torch::tensor({1., 2., 6.}).reshape({3, 1, 1});  // deviation sqrt(7)
  const auto of = [&](const char* name) {
    return pessimistic_score(scores, name, .5).item<double>();
  };
  EXPECT_NEAR(of("mean"), 3, 1e-6);
  EXPECT_NEAR(of("worst"), 1, 1e-6);
  EXPECT_NEAR(of("deviation"), 3 - .5 * std::sqrt(7), 1e-6);
  EXPECT_NEAR(of("variance"), 3 - .5 * 7, 1e-6);
  EXPECT_THROW(of("median"), base::UsageError);
}

TEST(PessimisticScore, OfOneMemberIsItsOwn) {
  const torch::Tensor scores = torch::tensor({2.}).reshape({1, 1, 1});
  for (const char* name : {"mean", "worst", "deviation", "variance"})
    EXPECT_EQ(pessimistic_score(scores, name, .5).item<double>(), 2) << name;
}

TEST(RewardModel, ComesBackFromItsFolderAndAppliesItsCalibration) {
  const Taste taste;
  RewardModel model(RewardSettings{}, taste.words, taste.predictor(), ResponseScorer());
  const torch::Tensor plain = model.item_scores({taste.states[0]});
  model.set_item_calibration({2, 1});
  base::TemporaryFolder folder;
  model.write(folder.path(), taste.tokenizer());
  const torch::Tensor back =
      RewardModel::read(folder.path(), torch::kFloat32).item_scores({taste.states[0]});
  EXPECT_LT((back - (2 * plain + 1)).abs().max().item<float>(), 1e-5);
}

TEST(RewardModel, ItemsAreScoredByTheWeightedHeads) {
  const Taste taste;
  const Predictor predictor = taste.predictor();
  const auto of = [&](Head head) { return predictor.item_scores({taste.states[0]}, head).mean(0); };
  RewardSettings settings;
  settings.ensemble = "mean";
  settings.useful_weight = .5;
  const auto scores = [&] {
    const RewardModel model(settings, taste.words, predictor, ResponseScorer());
    return model.item_scores({taste.states[0]});
  };
  EXPECT_TRUE(at::allclose(scores(), of(Head::blend) + .5 * of(Head::useful)));
  settings.blend_weight = 0;
  settings.probabilities = "log";
  const torch::Tensor logs =
      at::log_sigmoid(predictor.item_scores({taste.states[0]}, Head::useful)).mean(0);
  EXPECT_TRUE(at::allclose(scores(), .5 * logs));
  base::TemporaryFolder folder;
  RewardModel(settings, taste.words, predictor, ResponseScorer())
      .write(folder.path(), taste.tokenizer());
  EXPECT_TRUE(at::allclose(
      RewardModel::read(folder.path(), torch::kFloat32).item_scores({taste.states[0]}), .5 * logs));
}

TEST(RewardModel, WordsThatNameTheChosenItemScoreHigher) {
  const Taste taste;
  const RewardModel model(RewardSettings{}, taste.words, taste.predictor(), ResponseScorer());
  const std::vector<double> scores =
      model.response_scores({{action(2, {2}), {}}, {action(2, {}), {}}});
  EXPECT_NEAR(scores[0] - scores[1], 2, 1e-9);
}

}  // namespace
}  // namespace reward
