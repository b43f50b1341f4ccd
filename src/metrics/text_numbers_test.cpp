#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "metrics/calibration.h"
#include "metrics/diversity.h"
#include "metrics/perplexity.h"

namespace metrics {
namespace {

TEST(Diversity, DistinctCountsOverAllRepliesTogether) {
  const std::vector<std::vector<std::string>> replies = {{"i", "like", "it"}, {"i", "like", "you"}};
  EXPECT_EQ(distinct(replies, 1).unique, 4u);
  EXPECT_EQ(distinct(replies, 1).total, 6u);
  EXPECT_DOUBLE_EQ(distinct(replies, 2).ratio(), 3.0 / 4);  // "i like" twice; none over the end
  EXPECT_EQ(distinct(replies, 4).total, 0u);
  EXPECT_EQ(distinct(replies, 4).ratio(), 0);
  EXPECT_DOUBLE_EQ(distinct(std::vector<std::vector<int>>{{1, 1, 1, 1}}, 2).ratio(), 1.0 / 3);
}

TEST(Perplexity, OfOneInEightIsEight) {
  EXPECT_NEAR(perplexity(4 * std::log(1.0 / 8), 4), 8, 1e-9);
  EXPECT_NEAR(bits_per_byte(4 * std::log(1.0 / 8), 6), 2, 1e-9);  // 12 bits over 6 bytes
  EXPECT_THROW(perplexity(0, 0), base::Error);
  EXPECT_THROW(bits_per_byte(0, 0), base::Error);
}

TEST(Calibration, IsWorkedOutByHand) {
  const std::vector<double> p = {.9, .8, .3, .1};
  const std::vector<int> y = {1, 0, 0, 0};
  EXPECT_NEAR(brier(p, y), (.01 + .64 + .09 + .01) / 4, 1e-12);
  // Two bins: .1 and .3 sum .4, no one: .4; .9 and .8 sum 1.7, one one: .7. (.4 + .7) / 4.
  EXPECT_NEAR(calibration_error(p, y, 2), 1.1 / 4, 1e-12);
  EXPECT_NEAR(calibration_error(std::vector<double>{1, 0}, std::vector<int>{1, 0}), 0, 1e-12);
  EXPECT_THROW(brier(std::vector<double>{1.5}, std::vector<int>{1}), base::Error);
  EXPECT_THROW(brier(std::vector<double>{.5}, std::vector<int>{2}), base::Error);
}

}  // namespace
}  // namespace metrics
