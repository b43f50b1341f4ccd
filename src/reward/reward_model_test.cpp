#include "reward/reward_model.h"

#include <cmath>

#include <gtest/gtest.h>

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

TEST(RewardModel, WordsThatNameTheChosenItemScoreHigher) {
  const Taste taste;
  const RewardModel model(RewardSettings{}, taste.words, taste.predictor(), ResponseScorer());
  const std::vector<double> scores =
      model.response_scores({{action(2, {2}), {}}, {action(2, {}), {}}});
  EXPECT_NEAR(scores[0] - scores[1], 2, 1e-9);
}

}  // namespace
}  // namespace reward
