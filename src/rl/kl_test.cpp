#include "rl/kl.h"

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

TEST(KlController, GoesOnFromASavedPrice) {
  KlController controller({.beta = .1, .target = 1, .horizon = 100});
  controller.restore(.4);
  controller.update(2, 50);  // .4 * (1 + .2 * 50 / 100)
  EXPECT_NEAR(controller.beta(), .44, 1e-12);
}

}  // namespace
}  // namespace rl
