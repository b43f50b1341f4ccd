#include "kernels/sampling.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"

namespace kernels {
namespace {

TEST(Draw, TakesTheOutcomeWhereTheCumulatedProbabilityPassesU) {
  const std::vector<float> logits = {std::log(.2f), std::log(.5f), std::log(.3f)};
  EXPECT_EQ(draw(logits.data(), 3, 1, 0).index, 0);
  EXPECT_EQ(draw(logits.data(), 3, 1, .199).index, 0);
  EXPECT_EQ(draw(logits.data(), 3, 1, .201).index, 1);
  EXPECT_EQ(draw(logits.data(), 3, 1, .699).index, 1);
  EXPECT_EQ(draw(logits.data(), 3, 1, .701).index, 2);
  EXPECT_EQ(draw(logits.data(), 3, 1, .999999).index, 2);
  EXPECT_NEAR(draw(logits.data(), 3, 1, .5).log_prob, std::log(.5), 1e-6);
}

TEST(Draw, TemperatureSharpensAndZeroTakesTheLargest) {
  // At temperature 1/2 the probabilities .2, .5, .3 become .04, .25, .09 over .38.
  const std::vector<float> logits = {std::log(.2f), std::log(.5f), std::log(.3f)};
  EXPECT_EQ(draw(logits.data(), 3, .5, .104).index, 0);
  EXPECT_EQ(draw(logits.data(), 3, .5, .107).index, 1);
  EXPECT_NEAR(draw(logits.data(), 3, .5, .5).log_prob, std::log(.25 / .38), 1e-5);
  EXPECT_EQ(draw(logits.data(), 3, 0, .99).index, 1);
  EXPECT_NEAR(draw(logits.data(), 3, 0, .99).log_prob, std::log(.5), 1e-6);
}

TEST(Draw, AgreesWithADoubleScanOverManyOutcomes) {
  base::Random random({.seed = 3, .stage = "draw"});
  std::vector<float> logits(5000);
  for (float& logit : logits) logit = static_cast<float>(3 * random.normal());
  double sum = 0;
  for (float logit : logits) sum += std::exp(static_cast<double>(logit));
  for (int i = 0; i < 200; ++i) {
    const double u = random.uniform();
    const Draw drawn = draw(logits.data(), 5000, 1, u);
    double before = 0;
    for (std::int64_t j = 0; j < drawn.index; ++j)
      before += std::exp(static_cast<double>(logits[static_cast<std::size_t>(j)]));
    const double logit = logits[static_cast<std::size_t>(drawn.index)];
    EXPECT_LT(before / sum, u + 1e-6);
    EXPECT_GT((before + std::exp(logit)) / sum, u - 1e-6);
    EXPECT_NEAR(drawn.log_prob, logit - std::log(sum), 1e-5);
  }
}

TEST(Draw, FollowsTheSoftmaxAtEveryTemperature) {
  constexpr int kDraws = 20000;
  const std::vector<float> logits = {1, 1.01f, 1.001f, 0, 0, 0, 2, -1};
  for (double temperature : {.5, 1., 2.}) {
    base::Random random({.seed = 4, .stage = "draw"});
    std::vector<double> counts(logits.size());
    for (int i = 0; i < kDraws; ++i)
      ++counts[static_cast<std::size_t>(
          draw(logits.data(), 8, temperature, random.uniform()).index)];
    double sum = 0, chi_square = 0;
    for (float logit : logits) sum += std::exp(logit / temperature);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double expected = kDraws * std::exp(logits[i] / temperature) / sum;
      chi_square += std::pow(counts[i] - expected, 2) / expected;
    }
    EXPECT_LT(chi_square, 24.32) << temperature;  // 99.9 % of chi-square with 7 degrees of freedom
  }
}

TEST(Draw, FourEqualOutcomesTellTwoBits) {
  const std::vector<float> logits(4, 3);
  for (int i = 0; i < 4; ++i) {
    const Draw drawn = draw(logits.data(), 4, .7, .25 * i + .1);
    EXPECT_EQ(drawn.index, i);
    EXPECT_NEAR(-drawn.log_prob / std::log(2), 2, 1e-6);
  }
}

TEST(Draw, NeverTakesWhatCannotBeDrawn) {
  std::vector<float> logits(1000, -1e9f);
  logits[0] = 0;
  for (double u : {0., .5, 1 - 1e-16}) EXPECT_EQ(draw(logits.data(), 1000, 1, u).index, 0);
  EXPECT_THROW(draw(logits.data(), 0, 1, .5), base::Error);
}

}  // namespace
}  // namespace kernels
