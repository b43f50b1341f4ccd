#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "base/error.h"
#include "rl/advantages.h"
#include "rl/kl.h"
#include "rl/losses.h"
#include "rl/masked.h"
#include "rl/score_scaling.h"

namespace rl {
namespace {

torch::Tensor row(std::vector<float> values) { return torch::tensor(values).unsqueeze(0); }
torch::Tensor everywhere(const torch::Tensor& x) { return torch::ones(x.sizes(), torch::kBool); }
torch::Tensor bits(std::vector<int> values) {
  return torch::tensor(values).to(torch::kBool).unsqueeze(0);
}

void expect_near(const torch::Tensor& x, const std::vector<double>& expected,
                 double tolerance = 1e-5) {
  const torch::Tensor flat = x.to(torch::kFloat64).reshape({-1});
  ASSERT_EQ(flat.numel(), static_cast<std::int64_t>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(flat[static_cast<std::int64_t>(i)].item<double>(), expected[i], tolerance)
        << "at " << i;
}

TEST(Masked, MeanVarianceAndWhiteningKnowTwoOfFourValues) {
  const torch::Tensor x = row({1, 2, 3, 4}), mask = bits({0, 1, 1, 0});
  EXPECT_DOUBLE_EQ(masked_mean(x, mask).item<double>(), 2.5);
  EXPECT_DOUBLE_EQ(masked_variance(x, mask).item<double>(), .5);
  expect_near(whiten(x, mask), {0, -.70711, .70711, 0});
}

TEST(Masked, WhiteningThatKeepsTheMeanHasThePublishedValues) {
  const torch::Tensor x = row({1.2f, 1.3f, 1.4f, 1.5f, 1.6f, 1.7f, 1.8f, 1.9f, 2.0f});
  expect_near(whiten_keeping_mean(x, everywhere(x)),
              {.1394, .5046, .8697, 1.2349, 1.6, 1.9651, 2.3303, 2.6954, 3.0606}, 1e-4);
}

TEST(Masked, WhiteningOneValueFailsLoudly) {
  const torch::Tensor x = row({1, 2});
  EXPECT_THROW(whiten(x, bits({1, 0})), base::Error);
}

TEST(Advantages, KnownRepliesComeOutAsPublished) {
  const torch::Tensor reward = row({0, 0, 0, 1}), value = row({.1f, .2f, .3f, .4f});
  const Advantages gae = estimate_advantages(reward, value, everywhere(reward));
  expect_near(gae.advantages, {.799675, .7365, .67, .6});
  expect_near(gae.returns, {.899675, .9365, .97, 1});
  expect_near(whiten(gae.advantages, everywhere(reward)), {1.141837, .406744, -.367037, -1.181544},
              1e-4);
  expect_near(
      estimate_advantages(row({-.02f, -.01f, .03f, .98f}), value, everywhere(reward)).advantages,
      {.7801025, .73695, .681, .58});
  expect_near(estimate_advantages(row({0, 0, 5}), row({1, 2, 3}), bits({1, 1, 1}), {.lambda = 0})
                  .advantages,
              {1, 1, 2});
  expect_near(estimate_advantages(row({1, 0, -1}), row({.5f, .25f, -.5f}), bits({1, 1, 1}),
                                  {.discount = .99})
                  .advantages,
              {-.395442625, -1.21525, -.5});
  const Advantages half = estimate_advantages(row({0, 0, 1, 0}), row({0, 1, 2, 3}),
                                              bits({1, 1, 1, 1}), {.discount = .5, .lambda = 0});
  expect_near(half.advantages, {.5, 0, .5, -3});
  expect_near(half.returns, {.5, 1, 2.5, 0});
}

TEST(Advantages, AGapOrPaddingChangesNothingWhateverStandsThere) {
  const GaeOptions options{.discount = .99, .lambda = .95};
  const Advantages whole = estimate_advantages(row({0, 0, 1, 1}), row({.1f, .2f, .4f, .5f}),
                                               bits({1, 1, 1, 1}), options);
  const Advantages gap =
      estimate_advantages(row({0, 0, NAN, 1, 1, NAN}), row({.1f, .2f, 999, .4f, .5f, NAN}),
                          bits({1, 1, 0, 1, 1, 0}), options);
  for (auto [a, b] : {std::pair{0, 0}, {1, 1}, {2, 3}, {3, 4}})
    EXPECT_FLOAT_EQ(whole.advantages[0][a].item<float>(), gap.advantages[0][b].item<float>());
  EXPECT_EQ(gap.advantages[0][2].item<float>(), 0);
}

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

TEST(Kl, EstimatorsHaveTheirKnownValues) {
  const torch::Tensor p = row({-1, -1}), q = row({0, -15});
  expect_near(kl_k1(p, q), {-1, 14});
  expect_near(kl_k2(p, q), {.5, 98});
  expect_near(kl_k3(p, q), {.71828, 13}, 1e-4);
  // KL([.98, .01, .01] || [.01, .01, .98]) = .97 ln 98 = 4.4474
  expect_near(exact_kl(row({.98f, .01f, .01f}).log(), row({.01f, .01f, .98f}).log()), {4.4474},
              1e-4);
  expect_near(exact_kl(row({0, -INFINITY}), row({-.693147f, -.693147f})), {.693147});
}

TEST(KlController, FollowsThePublishedSequence) {
  KlController controller({.beta = .15, .target = 6, .horizon = 10000});
  const std::vector<std::pair<double, double>> steps = {
      {0, .148464},      {0, .146943729}, {20, .148448432},  {7.2, .149968544},
      {6.6, .150736383}, {6, .150736383}, {4.8, .149192843}, {3, .147665108}};
  for (const auto& [kl, beta] : steps) {
    controller.update(kl, 512);
    EXPECT_NEAR(controller.beta(), beta, 1e-8);
  }
}

TEST(RunningMoments, AgreeWithTheWholeStream) {
  RunningMoments moments;
  std::vector<double> range(100), ones(100, 1.), powers;
  std::iota(range.begin(), range.end(), 0.);
  for (int i = 0; i < 10; ++i) powers.push_back(std::exp(i));
  for (const std::vector<double>& batch : {range, ones, powers, {-10, -1, 0, 1, 10}})
    moments.add(batch);
  EXPECT_EQ(moments.count(), 215);
  EXPECT_NEAR(moments.mean(), 83.108409537, 1e-6);
  EXPECT_NEAR(moments.deviation(), 591.136075191, 1e-6);
  RunningMoments back;
  back.from_json(moments.to_json());
  EXPECT_EQ(back.deviation(), moments.deviation());
}

TEST(ScaleScores, DividesByTheDeviationAndClipsTheScoreOnly) {
  RunningMoments moments;
  const std::vector<double> scaled = scale_scores({1, 3, 100}, 1.5, moments);  // deviation 56.60
  EXPECT_NEAR(scaled[0], 1 / moments.deviation(), 1e-12);
  EXPECT_EQ(scaled[2], 1.5);
}

}  // namespace
}  // namespace rl
