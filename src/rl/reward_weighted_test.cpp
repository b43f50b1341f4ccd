#include "rl/reward_weighted.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "rl/test_rows.h"

namespace rl {
namespace {

using namespace testing;

const float kLn2 = std::log(2.f);

TEST(RewardWeights, AreExponentialAndHaveMeanOne) {
  // exp of 0, ln 2, ln 3 is 1, 2, 3
  const torch::Tensor scores = torch::tensor({0.f, kLn2, std::log(3.f)});
  expect_near(reward_weights(scores, {}), {.5, 1, 1.5});
  expect_near(reward_weights(2 * scores, {}, {.beta = 2}), {.5, 1, 1.5});
  expect_near(reward_weights(scores + 500, {}), {.5, 1, 1.5}, 1e-4);  // no overflow
  expect_near(reward_weights(scores, {}, {.scope = WeightScope::none}), {1, 2, 3});
}

TEST(RewardWeights, OfGroupsHaveMeanOneInEach) {
  // 1 2 and 1 4, the second group's scores raised by 3: 2/3 4/3 and 2/5 8/5
  expect_near(reward_weights(torch::tensor({0.f, 3.f, kLn2, 3 + 2 * kLn2}), {0, 1, 0, 1},
                             {.scope = WeightScope::group}),
              {2. / 3, .4, 4. / 3, 1.6});
}

TEST(RewardWeights, AreCutAtTheLargestAfterTheyWereScaled) {
  const torch::Tensor scores = torch::tensor({0.f, kLn2, std::log(3.f)});
  expect_near(reward_weights(scores, {}, {.largest = 1.2}), {.5, 1, 1.2});
  expect_near(reward_weights(scores, {}, {.scope = WeightScope::none, .largest = 2.5}),
              {1, 2, 2.5});
  expect_near(reward_weights(torch::tensor({100.f}), {}, {.scope = WeightScope::none}), {20});
  expect_near(reward_weights(torch::tensor({4.f}), {}, {.scope = WeightScope::none, .largest = 0}),
              {std::exp(4.)}, 1e-3);
}

TEST(RewardWeights, CarryNoGradientAndRefuseWhatHasNoMeaning) {
  EXPECT_FALSE(reward_weights(torch::tensor({1.f}).set_requires_grad(true), {}).requires_grad());
  EXPECT_THROW(reward_weights(torch::tensor({1.f}), {}, {.beta = 0}), base::UsageError);
  EXPECT_THROW(reward_weights(torch::tensor({1.f}), {}, {.scope = WeightScope::group}),
               base::Error);
}

TEST(EffectiveSampleSize, CountsEqualWeights) {
  EXPECT_NEAR(effective_sample_size(torch::tensor({2.f, 2.f, 2.f})), 3, 1e-9);
  EXPECT_NEAR(effective_sample_size(torch::tensor({5.f, 0.f})), 1, 1e-9);
  EXPECT_NEAR(effective_sample_size(torch::tensor({1.f, 3.f})), 1.6, 1e-9);
  EXPECT_EQ(effective_sample_size(torch::zeros({2})), 0);
}

TEST(WeightedImitation, WeighsEachReplysTokens) {
  // weights 2 and .5: (2 * (1 + 2) + .5 * 4) / 3 tokens
  const torch::Tensor log_probs = at::cat({row({-1, -2}), row({-4, NAN})}),
                      mask = at::cat({bits({1, 1}), bits({1, 0})});
  EXPECT_NEAR(weighted_imitation_loss(log_probs, torch::tensor({2.f, .5f}), mask).item<double>(),
              8. / 3, 1e-6);
  // of replies: (2 * 1.5 + .5 * 4) / 2
  EXPECT_NEAR(weighted_imitation_loss(log_probs, torch::tensor({2.f, .5f}), mask,
                                      {.how = Aggregation::sequence_mean})
                  .item<double>(),
              2.5, 1e-6);
}

}  // namespace
}  // namespace rl
