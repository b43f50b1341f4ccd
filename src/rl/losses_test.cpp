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

}  // namespace
}  // namespace rl
