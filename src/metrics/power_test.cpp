#include "metrics/power.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace metrics {
namespace {

using Values = std::vector<double>;
using Groups = std::vector<std::int64_t>;

TEST(Power, TheErrorOfSingleRowsIsTheTextbooks) {
  // Mean 2.5, squares 2.25 + .25 + .25 + 2.25 = 5; sqrt(4 / 3 * 5) / 4.
  EXPECT_NEAR(*clustered_error(Values{1, 2, 3, 4}, Groups{1, 2, 3, 4}), std::sqrt(20. / 3) / 4,
              1e-12);
}

TEST(Power, RowsThatGoTogetherCountOnce) {
  // Clusters {1, 1, 4} and {2}: mean 2, residuals 0 and 0.
  EXPECT_NEAR(*clustered_error(Values{1, 1, 4, 2}, Groups{7, 7, 7, 9}), 0, 1e-12);
  // Each row twice in a cluster of its own: the error does not change.
  EXPECT_NEAR(*clustered_error(Values{1, 1, 2, 2, 3, 3, 4, 4}, Groups{1, 1, 2, 2, 3, 3, 4, 4}),
              std::sqrt(20. / 3) / 4, 1e-12);
  EXPECT_FALSE(clustered_error(Values{1, 2}, Groups{5, 5}));
  EXPECT_FALSE(clustered_error(Values{}, Groups{}));
}

TEST(Power, TheSmallestDetectableDifferenceIsTheSumOfTwoQuantiles) {
  // 1.959963984540054 + 0.8416212335729143
  EXPECT_NEAR(smallest_detectable(.01), .02801585218, 1e-9);
  // Of t with 4 degrees: 2.776445105 + 0.940964578.
  EXPECT_NEAR(smallest_detectable(.01, {.freedom = 4}), .03717409683, 1e-9);
}

TEST(Power, ADifferenceOfThatSizeIsFoundWithThatProbability) {
  EXPECT_NEAR(power_of(smallest_detectable(.01), .01), .8, 1e-5);  // the far tail adds 1e-6
  EXPECT_NEAR(power_of(0, .01), .05, 1e-9);
  EXPECT_DOUBLE_EQ(power_of(-.02, .01), power_of(.02, .01));
  EXPECT_NEAR(power_of(1.959963984540054, 1), .5, 1e-4);
  EXPECT_NEAR(power_of(2.776445105, 1, {.freedom = 4}), .5, 3e-3);  // the far tail adds .0026
}

}  // namespace
}  // namespace metrics
