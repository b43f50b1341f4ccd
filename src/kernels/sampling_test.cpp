#include "kernels/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
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

// What may be drawn and with which probability, by a full sort.
std::vector<double> truncated(const std::vector<float>& logits, double temperature,
                              const Truncation& truncation) {
  std::vector<std::size_t> order(logits.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  if (truncation.top_k > 0)
    order.resize(std::min(order.size(), static_cast<std::size_t>(truncation.top_k)));
  const auto weight = [&](std::size_t i) { return std::exp(logits[i] / temperature); };
  double sum = 0, kept = 0;
  for (std::size_t i : order) sum += weight(i);
  std::vector<double> out(logits.size());
  for (std::size_t i : order) {
    if (kept >= (1 - 1e-6) * truncation.top_p * sum) break;
    out[i] = weight(i);
    kept += out[i];
  }
  for (double& p : out) p /= kept;
  return out;
}

TEST(Draw, TruncatedItTakesWhatAFullSortWouldLeave) {
  base::Random random({.seed = 5, .stage = "draw"});
  for (const Truncation& truncation : {Truncation{.top_k = 1},
                                       {.top_k = 40},
                                       {.top_k = 5000},
                                       {.top_p = .9},
                                       {.top_p = .3},
                                       {.top_p = 1e-9},
                                       {.top_k = 40, .top_p = .5},
                                       {.top_k = 7, .top_p = .999}})
    for (const double temperature : {.7, 1., 2.}) {
      std::vector<float> logits(3000);
      for (float& logit : logits)  // many of them equal
        logit = static_cast<float>(std::round(20 * random.normal()) / 10);
      const std::vector<double> expected = truncated(logits, temperature, truncation);
      for (int i = 0; i < 100; ++i) {
        const double u = (i + .5) / 100;
        const Draw drawn = draw(logits.data(), std::ssize(logits), temperature, u, truncation);
        const auto index = static_cast<std::size_t>(drawn.index);
        ASSERT_GT(expected[index], 0) << truncation.top_k << " " << truncation.top_p;
        EXPECT_NEAR(drawn.log_prob, std::log(expected[index]), 1e-5);
        const double before = std::accumulate(
            expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(index), 0.);
        EXPECT_LE(before, u + 1e-6);
        EXPECT_GE(before + expected[index], u - 1e-6);
      }
    }
}

TEST(Draw, TruncationChangesNothingWhereNothingIsCutAndRefusesWhatIsNone) {
  const std::vector<float> logits = {1, 3, 2, -1e9f};
  EXPECT_EQ(draw(logits.data(), 4, 0, .9, {.top_k = 2}).index, 1);
  for (double u : {0., .3, .999999}) {
    const Draw all = draw(logits.data(), 4, 1, u),
               some = draw(logits.data(), 4, 1, u, {.top_k = 4});
    EXPECT_EQ(all.index, some.index);
    EXPECT_NEAR(all.log_prob, some.log_prob, 1e-6);
  }
  EXPECT_EQ(draw(logits.data(), 4, 1e-40, .9, {.top_p = .5}).index, 1);
  EXPECT_NEAR(draw(logits.data(), 4, 1e-40, .9).log_prob, draw(logits.data(), 4, 0, .9).log_prob,
              0);
  const std::vector<float> none(4, NAN);
  EXPECT_THROW(draw(none.data(), 4, 1, .5, {.top_k = 2}), base::Error);
  EXPECT_THROW(draw(none.data(), 4, 0, .5), base::Error);
  EXPECT_THROW(draw(logits.data(), 4, 1, .5, {.top_k = -1}), base::Error);
  EXPECT_THROW(draw(logits.data(), 4, 1, .5, {.top_p = 0}), base::Error);
  EXPECT_THROW(draw(logits.data(), 4, 1, .5, {.top_p = 1.5}), base::Error);
}

TEST(Draw, NeverTakesWhatCannotBeDrawn) {
  std::vector<float> logits(1000, -1e9f);
  logits[0] = 0;
  for (double u : {0., .5, 1 - 1e-16}) EXPECT_EQ(draw(logits.data(), 1000, 1, u).index, 0);
  EXPECT_THROW(draw(logits.data(), 0, 1, .5), base::Error);
}

}  // namespace
}  // namespace kernels
