#include "metrics/power.h"

#include <cmath>
#include <numbers>
#include <vector>

#include "base/error.h"
#include "metrics/resampling.h"

namespace metrics {
namespace {

double normal_below(double z) { return .5 * std::erfc(-z / std::numbers::sqrt2); }

}  // namespace

std::optional<double> clustered_error(std::span<const double> values,
                                      std::span<const std::int64_t> clusters) {
  const std::vector<std::vector<double>> column = {{values.begin(), values.end()}};
  const ClusterTable table = make_cluster_table(column, clusters);
  if (table.clusters < 2) return std::nullopt;
  double sum = 0, squares = 0;
  for (const double own : table.sums) sum += own;
  const auto rows = static_cast<double>(values.size());
  for (std::size_t k = 0; k < table.clusters; ++k) {
    const double residual = table.sums[k] - sum / rows * table.rows[k];
    squares += residual * residual;
  }
  const auto count = static_cast<double>(table.clusters);
  return std::sqrt(count / (count - 1) * squares) / rows;
}

double smallest_detectable(double error, const PowerOptions& options) {
  return (normal_quantile(1 - options.level / 2) + normal_quantile(options.power)) * error;
}

double power_of(double difference, double error, const PowerOptions& options) {
  base::check(error > 0, "power with an error of ", error);
  const double reach = normal_quantile(1 - options.level / 2), shift = std::abs(difference) / error;
  return normal_below(shift - reach) + normal_below(-shift - reach);
}

double normal_quantile(double p) {
  base::check(p > 0 && p < 1, "a quantile of the normal distribution at ", p);
  double low = -40, high = 40;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (normal_below(middle) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace metrics
