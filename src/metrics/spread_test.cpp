#include "metrics/spread.h"

#include <vector>

#include <gtest/gtest.h>

namespace metrics {
namespace {

using Counts = std::vector<std::int64_t>;

TEST(Spread, CoverageIsTheShareOfItemsThatWereShown) {
  EXPECT_DOUBLE_EQ(coverage(Counts{3, 0, 1, 0}), .5);
  EXPECT_DOUBLE_EQ(coverage(Counts{}), 0);
}

TEST(Spread, GiniIsWorkedOutByHand) {
  EXPECT_DOUBLE_EQ(gini(Counts{2, 2, 2}), 0);
  EXPECT_DOUBLE_EQ(gini(Counts{0, 0, 0, 8}), .75);  // (N - 1) / N
  // Sorted 0 1 3: (-2 * 0 + 0 * 1 + 2 * 3) / (3 * 4) = .5.
  EXPECT_DOUBLE_EQ(gini(Counts{3, 0, 1}), .5);
  EXPECT_DOUBLE_EQ(gini(Counts{0, 0}), 0);
  EXPECT_DOUBLE_EQ(gini(Counts{}), 0);
}

}  // namespace
}  // namespace metrics
