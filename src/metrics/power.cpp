#include "metrics/power.h"

#include <cmath>
#include <vector>

#include "base/error.h"
#include "metrics/resampling.h"
#include "metrics/student.h"

namespace metrics {
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
  return (student_quantile(1 - options.level / 2, options.freedom) +
          student_quantile(options.power, options.freedom)) *
         error;
}

double power_of(double difference, double error, const PowerOptions& options) {
  base::check(error > 0, "power with an error of ", error);
  const double reach = student_quantile(1 - options.level / 2, options.freedom),
               shift = std::abs(difference) / error;
  return student_below(shift - reach, options.freedom) +
         student_below(-shift - reach, options.freedom);
}

}  // namespace metrics
