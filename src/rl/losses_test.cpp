#include "rl/losses.h"

#include <gtest/gtest.h>

#include "rl/test_rows.h"

namespace rl {
namespace {

using namespace testing;

TEST(PpoLoss, HasThePublishedValuesWithAndWithoutDualClip) {
  const auto loss = [](std::vector<float> advantage, std::vector<float> ratio, double dual) {
    const torch::Tensor log_ratio = row(ratio).log();
    return ppo_loss(log_ratio, torch::zeros_like(log_ratio), row(advantage), everywhere(log_ratio),
                    {.dual_clip = dual})
        .loss.item<double>();
  };
  EXPECT_NEAR(loss({1, -1, 2}, {.5f, 1, 1.5f}, 0), -.6333, 1e-4);
  EXPECT_NEAR(loss({1, -1, -4}, {.5f, 1, 10}, 0), 13.5, 1e-4);
  EXPECT_NEAR(loss({1, -1, -4}, {.5f, 1, 10}, 3), 4.1667, 1e-4);
}

TEST(PpoLoss, MaskedPlacesReachNeitherLossNorGradient) {
  torch::Tensor clean = row({-.5f, -1, 0}).set_requires_grad(true),
                dirty = row({-.5f, -1, NAN}).set_requires_grad(true);
  const torch::Tensor mask = bits({1, 1, 0}), old = row({-.6f, -1, INFINITY}),
                      advantages = row({1, -2, 1e9f});
  const PpoLoss a = ppo_loss(clean, old, advantages, mask),
                b = ppo_loss(dirty, old, advantages, mask);
  a.loss.backward();
  b.loss.backward();
  EXPECT_EQ(a.loss.item<double>(), b.loss.item<double>());
  EXPECT_TRUE(at::equal(clean.grad(), dirty.grad()));
}

TEST(PpoLoss, AtTheOldPolicyTheRatioIsOneAndTheLossMinusTheMeanAdvantage) {
  const torch::Tensor log_probs = row({-.3f, -1.7f}), advantages = row({2, -1});
  const PpoLoss loss = ppo_loss(log_probs, log_probs, advantages, everywhere(log_probs));
  EXPECT_EQ(loss.ratio, 1);
  EXPECT_EQ(loss.clip_fraction, 0);
  EXPECT_EQ(loss.approx_kl, 0);
  EXPECT_NEAR(loss.loss.item<double>(), -.5, 1e-7);
}

TEST(ValueLoss, HasItsKnownValueWithTheHalf) {
  const torch::Tensor v = row({.5f, 1.5f, -1}), old = row({.4f, 1, -.5f}), r = row({1, 1, -1});
  EXPECT_NEAR(value_loss(v, old, r, everywhere(v)).loss.item<double>(), .0983333, 1e-6);
}

TEST(ValueLoss, WithoutAClipIsHalfTheMeanSquare) {
  // errors -.5, .5, 0 -> .5 * (.25 + .25 + 0) / 3; clipped at .2 the second value would be 1.2
  const torch::Tensor v = row({.5f, 1.5f, -1}), old = row({.4f, 1, -.5f}), r = row({1, 1, -1});
  const ValueLoss loss = value_loss(v, old, r, everywhere(v), 0);
  EXPECT_NEAR(loss.loss.item<double>(), .0833333, 1e-6);
  EXPECT_EQ(loss.clip_fraction, 0);
}

TEST(ValueLoss, CountsWhereTheClippedErrorIsTheLarger) {
  // The first value has moved within the clip, the second towards its return and the third away.
  const torch::Tensor v = row({.5f, 1, 2}), old = row({.4f, 2, 1}), r = row({1, 0, 1});
  EXPECT_NEAR(value_loss(v, old, r, everywhere(v), .2).clip_fraction, 1. / 3, 1e-6);
}

TEST(ValueLoss, MaskedPlacesReachNeitherLossNorGradient) {
  torch::Tensor v = row({.5f, NAN}).set_requires_grad(true);
  const ValueLoss loss = value_loss(v, row({.5f, INFINITY}), row({1, NAN}), bits({1, 0}));
  EXPECT_NEAR(loss.loss.item<double>(), .125, 1e-6);
  loss.loss.backward();
  expect_near(v.grad(), {-.5, 0});
}

TEST(ExplainedVariance, IsOneForPerfectValuesZeroForTheMeanAndBelowForWorse) {
  const torch::Tensor returns = row({1, 2, 3, NAN}), mask = bits({1, 1, 1, 0});
  const auto of = [&](const torch::Tensor& values) {
    return explained_variance(values, returns, mask);
  };
  EXPECT_NEAR(of(row({1, 2, 3, 9})), 1, 1e-6);
  EXPECT_NEAR(of(row({6, 7, 8, 9})), 1, 1e-6);  // off by the same everywhere
  EXPECT_NEAR(of(row({2, 2, 2, 9})), 0, 1e-6);
  EXPECT_NEAR(of(row({1.5f, 2, 2.5f, 9})), .75, 1e-6);  // errors -.5, 0, .5: .25 of the variance 1
  EXPECT_NEAR(of(row({3, 2, 1, 9})), -3, 1e-6);         // errors -2, 0, 2: 4
}

TEST(ExplainedVariance, IsZeroWhereReturnsDoNotVary) {
  const torch::Tensor values = row({1, 2, 3});
  EXPECT_EQ(explained_variance(values, row({5, 5, 5}), everywhere(values)), 0);
  EXPECT_EQ(explained_variance(values, row({5, 6, 7}), bits({0, 1, 0})), 0);
}

}  // namespace
}  // namespace rl
