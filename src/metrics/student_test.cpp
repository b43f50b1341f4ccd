#include "metrics/student.h"

#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "base/error.h"

namespace metrics {
namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

TEST(Student, OneAndTwoDegreesHaveClosedForms) {
  for (const double t : {-30., -2., -.5, 0., .1, 1., 7.}) {
    EXPECT_NEAR(student_below(t, 1), .5 + std::atan(t) / std::numbers::pi, 1e-12) << t;  // Cauchy
    EXPECT_NEAR(student_below(t, 2), .5 + t / (2 * std::sqrt(2 + t * t)), 1e-12) << t;
  }
}

TEST(Student, AgreesWithScipy) {  // scipy.stats.t
  EXPECT_NEAR(student_below(-1.3, 7.25), 0.11670181692169457, 1e-12);
  EXPECT_NEAR(student_below(.01, 1317), 0.5039885990551005, 1e-12);
  EXPECT_NEAR(student_below(-12, 3), 0.0006225079003946681, 1e-15);
  EXPECT_NEAR(student_below(-30, .5), 0.058546841490053445, 1e-12);
  EXPECT_NEAR(student_quantile(.975, 4), 2.7764451051977934, 1e-9);
  EXPECT_NEAR(student_quantile(.8, 2.5), 1.0101638747222512, 1e-9);
  EXPECT_NEAR(student_quantile(.975, 1317), 1.9617668819066534, 1e-9);
}

TEST(Student, ManyDegreesAreTheNormalDistribution) {
  EXPECT_NEAR(student_below(1.959963985, kInfinite), .975, 1e-9);
  EXPECT_NEAR(student_quantile(.025, kInfinite), -1.959963985, 1e-9);
  EXPECT_NEAR(student_below(1.2, 1e6), student_below(1.2, kInfinite), 1e-6);
}

TEST(Student, QuantilesInTheFarTailOfFewDegreesAreFound) {
  EXPECT_NEAR(student_quantile(.0005, 1) / -636.6192, 1, 1e-6);  // tan(pi (.0005 - .5))
}

TEST(Student, OnlyProbabilitiesAndPositiveDegrees) {
  EXPECT_THROW(student_quantile(0, 3), base::Error);
  EXPECT_THROW(student_quantile(1, 3), base::Error);
  EXPECT_THROW(student_below(1, 0), base::Error);
}

}  // namespace
}  // namespace metrics
