#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

namespace metrics {

// The standard error of a mean whose rows come in clusters (Liang & Zeger 1986, linearised): with C
// clusters, sqrt(C / (C - 1) * sum over clusters of (sum over its rows of value - mean)^2) / rows.
// For a paired comparison the values are the differences. Nothing where there are fewer than two
// clusters.
std::optional<double> clustered_error(std::span<const double> values,
                                      std::span<const std::int64_t> clusters);

struct PowerOptions {
  double level = .05;  // two-sided
  double power = .80;
  // Of the standard error; finite: Student's t distribution in place of the normal one.
  double freedom = std::numeric_limits<double>::infinity();
};

// The smallest true difference that a test of that level finds with that probability:
// (z(1 - level / 2) + z(power)) * error, z the quantiles of the distribution.
double smallest_detectable(double error, const PowerOptions& options = {});

// The probability that a test of that level finds a true difference of this size; error > 0. Of the
// difference that was measured it is a function of the p-value and says nothing new.
double power_of(double difference, double error, const PowerOptions& options = {});

}  // namespace metrics
