#include "rl/kl.h"

#include <cmath>

#include <gtest/gtest.h>

#include "rl/test_rows.h"

namespace rl {
namespace {

using namespace testing;

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

TEST(KlController, WithoutATargetThePriceStays) {
  KlController controller({.beta = .15, .target = 0, .horizon = 100});
  for (const double kl : {0., 5., 1e9}) controller.update(kl, 512);
  EXPECT_EQ(controller.beta(), .15);
}

TEST(KlController, ThePriceStaysBetweenFloorAndCeiling) {
  KlController controller({.beta = .1, .target = 1, .horizon = 100, .floor = .08, .ceiling = .125});
  controller.update(0, 100);  // .1 * (1 - .2)
  EXPECT_NEAR(controller.beta(), .08, 1e-12);
  controller.update(0, 100);
  EXPECT_EQ(controller.beta(), .08);
  controller.update(9, 100);  // .08 * 1.2
  EXPECT_NEAR(controller.beta(), .096, 1e-12);
  for (int i = 0; i < 3; ++i) controller.update(9, 100);
  EXPECT_EQ(controller.beta(), .125);
  // So many episodes that the factor would be negative.
  controller.update(0, 10000);
  EXPECT_EQ(controller.beta(), .08);
}

TEST(KlController, AGuardedPriceRisesAtOnceWhereTheBudgetIsSpent) {
  const KlController cheap({.beta = .05, .target = 2}), dear({.beta = .3, .target = 2}),
      free({.beta = .3, .target = 0});
  EXPECT_EQ(cheap.guarded_beta(3, 1.5), .05);
  EXPECT_EQ(cheap.guarded_beta(3.01, 1.5), 1);
  EXPECT_EQ(dear.guarded_beta(3.01, 1.5), 3);
  EXPECT_EQ(free.guarded_beta(1e9, 1.5), .3);
}

TEST(KlController, GoesOnFromASavedPrice) {
  KlController controller({.beta = .1, .target = 1, .horizon = 100});
  controller.restore(.4);
  controller.update(2, 50);  // .4 * (1 + .2 * 50 / 100)
  EXPECT_NEAR(controller.beta(), .44, 1e-12);
}

TEST(Kl, PublishedTablesComeOut) {
  const torch::Tensor p = at::cat({row({.5f, .2f, .1f}), row({.6f, .2f, .1f})}),
                      q = at::cat({row({.4f, .3f, 0}), row({.7f, .1f, .3f})});
  expect_near(kl_k1(p, q), {.1, -.1, .1, -.1, .1, -.2});
  expect_near(kl_k2(p, q), {.005, .005, .005, .005, .005, .02});
  expect_near(kl_estimate(KlEstimator::absolute, p, q), {.1, .1, .1, .1, .1, .2});
  expect_near(exact_kl(row({.49f, .02f, .49f}).log(), row({.01f, .98f, .01f}).log()), {3.7361},
              1e-4);
  expect_near(exact_kl(row({.2f, .8f}).log(), row({.2f, .8f}).log()), {0});
  expect_near(kl_k3(row({0, -1, -2}), row({-1, -1, -1})), {.36788, 0, .71828});
}

TEST(Kl, ClampsHoldTheRatioAndTheEstimate) {
  const torch::Tensor p = row({-1, -1, -1}), q = row({0, -15, -30});
  const auto of = [&](KlEstimator estimator, const KlClamp& clamp = {}) {
    return kl_estimate(estimator, p, q, clamp);
  };
  expect_near(of(KlEstimator::k1), {-1, 14, 29});
  expect_near(of(KlEstimator::k2), {.5, 98, 420.5});
  expect_near(of(KlEstimator::k3), {.7183, 13, 28}, 1e-4);
  const KlClamp clamp{.input = 20, .output = 10};
  expect_near(of(KlEstimator::k1, clamp), {-1, 10, 10});
  expect_near(of(KlEstimator::k2, clamp), {.5, 10, 10});
  expect_near(of(KlEstimator::k3, clamp), {.7183, 10, 10}, 1e-4);
  expect_near(of(KlEstimator::k1, {.input = 20}), {-1, 14, 20});
}

TEST(Kl, EstimatorsHaveTheBiasAndTheSpreadOfSchulmansTable) {
  // q = N(0, 1) samples, p = N(mu, 1), true KL mu^2 / 2; expectations by quadrature.
  const torch::Tensor x = at::arange(-14., 14., 1e-3, torch::kFloat64);
  const torch::Tensor weight = (-x.square() / 2).exp() * 1e-3 / std::sqrt(2 * M_PI);
  const auto check = [&](double mu, KlEstimator estimator, double bias, double spread) {
    const torch::Tensor k = kl_estimate(estimator, -x.square() / 2, -(x - mu).square() / 2);
    const double truth = mu * mu / 2, mean = (weight * k).sum().item<double>(),
                 variance = (weight * (k - mean).square()).sum().item<double>();
    EXPECT_NEAR(mean / truth - 1, bias, 1e-6);
    EXPECT_NEAR(std::sqrt(variance) / truth, spread, 1e-3);
  };
  check(.1, KlEstimator::k1, 0, 20);
  check(1, KlEstimator::k1, 0, 2);
  check(.1, KlEstimator::k2, .0025, 1.418);
  check(1, KlEstimator::k2, .25, 1.732);
  check(.1, KlEstimator::k3, 0, 1.417);
  check(1, KlEstimator::k3, 0, 1.695);
}

TEST(ExactKl, HasAFiniteGradientWhereAnOutcomeIsImpossible) {
  torch::Tensor p = torch::tensor({-.693147f, -.693147f, -INFINITY}).set_requires_grad(true);
  exact_kl(p, torch::tensor({-1.f, -1.f, -INFINITY})).backward();
  // p (log p - log q + 1) = .5 * 1.306853
  expect_near(p.grad(), {.653426, .653426, 0});
}

TEST(KlLoss, SaysTheLossAndTheKlOfTokensAndReplies) {
  // log ratios 1 0 | -1: k3 .36788 0 .71828 of mean .36205.
  const torch::Tensor p = at::cat({row({0, -1}), row({-2, NAN})}),
                      q = at::cat({row({-1, -1}), row({-1, NAN})}),
                      mask = at::cat({bits({1, 1}), bits({1, 0})});
  const KlLoss loss = kl_loss(p, p, q, mask, {.estimator = KlEstimator::k3});
  EXPECT_NEAR(loss.loss.item<double>(), .36205, 1e-5);
  EXPECT_NEAR(loss.token_kl, 0, 1e-6);
  const KlLoss first = kl_loss(p.narrow(0, 0, 1), p.narrow(0, 0, 1), q.narrow(0, 0, 1),
                               mask.narrow(0, 0, 1), {.estimator = KlEstimator::k2});
  EXPECT_NEAR(first.loss.item<double>(), .25, 1e-6);  // (1/2 + 0) / 2
  EXPECT_NEAR(first.token_kl, .5, 1e-6);
  EXPECT_NEAR(first.reply_kl, 1, 1e-6);
}

TEST(KlLoss, WithARatioWeighsEachTokenByIt) {
  // ratio 2, k2 of ln 4: 2 * (ln 4)^2 / 2
  const torch::Tensor p = row({.4f}).log(), old = row({.2f}).log(), q = row({.1f}).log();
  for (const KlRatio ratio : {KlRatio::detached, KlRatio::full})
    EXPECT_NEAR(kl_loss(p, old, q, bits({1}), {.ratio = ratio}).loss.item<double>(), 1.921812,
                1e-5);
}

TEST(KlController, WithOneEpisodeInTenOfItsHorizonFollowsTheOtherPublishedForm) {
  // RL4LMs: beta * (1 + .1 clip((KL - target) / target, -.2, .2)).
  KlController controller({.beta = .2, .target = .1, .horizon = 10});
  for (const auto& [kl, beta] : std::vector<std::pair<double, double>>{
           {0, .196}, {.2, .19992}, {1, .2039184}, {.1, .2039184}}) {
    controller.update(kl, 1);
    EXPECT_NEAR(controller.beta(), beta, 1e-9);
  }
}

}  // namespace
}  // namespace rl
