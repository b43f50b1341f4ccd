#include "metrics/calibration.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace metrics {
namespace {

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
