#include "model/rope.h"

#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

namespace model {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;

std::vector<float> values(const torch::Tensor& x) {
  return {x.data_ptr<float>(), x.data_ptr<float>() + x.numel()};
}

Rotation at(const Rope& rope, std::int64_t width, const std::vector<std::int64_t>& positions) {
  return rotation_at(rotary_frequencies(rope, width), torch::tensor(positions), torch::kFloat32);
}

TEST(Rope, FrequenciesFallFromOneByEqualRatios) {
  // theta^(-2i/D) = 10000^(-i/4)
  const std::vector<float> found = values(rotary_frequencies({.theta = 10000}, 8));
  const float expected[] = {1, .1f, .01f, .001f};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(found[i], expected[i], 1e-7) << i;
}

TEST(Rope, LinearScalingSlowsAllFrequenciesAlike) {
  const std::vector<float> found = values(rotary_frequencies({.theta = 10000, .factor = 4}, 8));
  const float expected[] = {.25f, .025f, .0025f, .00025f};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(found[i], expected[i], 1e-7) << i;
}

// With 2 pi * 25 positions a frequency f turns 25 f times: 25, 2.5, .25 and .025 of those below.
TEST(Rope, Llama3SlowsOnlyWhatTurnsSeldomWithASmoothPassage) {
  const Rope rope{.theta = 10000, .factor = 8, .llama3 = Llama3Rope{1, 4, 25 * kTurn}};
  const std::vector<float> found = values(rotary_frequencies(rope, 8));
  EXPECT_NEAR(found[0], 1, 1e-6);  // 25 turns, above 4: as it was
  // 2.5 turns, half way between 1 and 4: the mean of .1 and .1 / 8
  EXPECT_NEAR(found[1], .5 * (.1 + .1 / 8), 1e-6);
  EXPECT_NEAR(found[2], .01 / 8, 1e-7);  // .25 turns, below 1: slowed
  EXPECT_NEAR(found[3], .001 / 8, 1e-8);
}

TEST(Rope, PositionZeroTurnsNothing) {
  const torch::Tensor x = torch::arange(8).to(torch::kFloat32).view({1, 8});
  EXPECT_TRUE(at::equal(rotate(x, at({}, 4, {0}), 2), x));
}

TEST(Rope, AQuarterTurnTakesANumberToItsPartnerHalfAHeadAway) {
  // By hand, since no whole position is a quarter turn.
  Rotation quarter{torch::zeros({1, 1}), torch::ones({1, 1})};  // cos 90°, sin 90°
  const torch::Tensor x = torch::tensor({3.f, 5.f, 7.f, 9.f}).view({1, 4});
  // Of two heads of 2 the first is turned: (3, 5) becomes (-5, 3).
  EXPECT_EQ(values(rotate(x, quarter, 1)), (std::vector<float>{-5, 3, 7, 9}));
  EXPECT_EQ(values(rotate(x, quarter, 2)), (std::vector<float>{-5, 3, -9, 7}));
  // In a head of 4 number i turns with number i + 2: (3, 7) and (5, 9).
  quarter = {torch::zeros({1, 2}), torch::ones({1, 2})};
  EXPECT_EQ(values(rotate(x, quarter, 1)), (std::vector<float>{-7, -9, 3, 5}));
}

TEST(Rope, TheAngleIsPositionTimesFrequency) {
  const Rotation rotation = at({.theta = 100}, 4, {0, 1, 3});  // frequencies 1 and .1
  const double angles[3][2] = {{0, 0}, {1, .1}, {3, .3}};
  for (int t = 0; t < 3; ++t)
    for (int i = 0; i < 2; ++i) {
      EXPECT_NEAR(rotation.cosines[t][i].item<float>(), std::cos(angles[t][i]), 1e-6);
      EXPECT_NEAR(rotation.sines[t][i].item<float>(), std::sin(angles[t][i]), 1e-6);
    }
}

TEST(Rope, AProductOfTwoTurnedHeadsDependsOnTheirDistanceOnly) {
  auto generator = at::detail::createCPUGenerator(5);
  const torch::Tensor query = at::randn({1, 8}, generator), key = at::randn({1, 8}, generator);
  const auto product = [&](std::int64_t query_at, std::int64_t key_at) {
    const Rope rope{.theta = 100};
    return (rotate(query, at(rope, 8, {query_at}), 1) * rotate(key, at(rope, 8, {key_at}), 1))
        .sum()
        .item<float>();
  };
  EXPECT_NEAR(product(5, 2), product(13, 10), 1e-5);
  EXPECT_NEAR(product(5, 2), product(3, 0), 1e-5);
  EXPECT_GT(std::abs(product(5, 2) - product(5, 3)), 1e-2);
}

TEST(Rope, TheGradientTurnsBack) {
  torch::Tensor x = torch::tensor({3.f, 5.f}).view({1, 2}).requires_grad_(true);
  const Rotation quarter{torch::zeros({1, 1}), torch::ones({1, 1})};
  rotate(x, quarter, 1).select(1, 0).sum().backward();  // the first number out is -second in
  EXPECT_EQ(values(x.grad()), (std::vector<float>{0, -1}));
}

}  // namespace
}  // namespace model
