#include "metrics/seeds.h"

#include <cmath>
#include <numeric>
#include <set>

#include "base/error.h"
#include "metrics/power.h"
#include "metrics/resampling.h"
#include "metrics/student.h"

namespace metrics {
namespace {

double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  double squares = 0;
  for (const double value : values) squares += (value - mean(values)) * (value - mean(values));
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

// The mean of as many of the values as there are, drawn with replacement.
double mean_of_drawn(std::span<const double> values, base::Random& random) {
  const auto count = static_cast<std::uint32_t>(values.size());
  double sum = 0;
  for (std::uint32_t i = 0; i < count; ++i) sum += values[draw_below(random, count)];
  return sum / count;
}

std::vector<double> means_of(std::span<const std::vector<double>> runs) {
  std::vector<double> means;
  for (const std::vector<double>& run : runs) means.push_back(mean(run));
  return means;
}

// Of each row, over runs.
std::vector<double> mean_run(std::span<const std::vector<double>> runs, std::size_t rows) {
  std::vector<double> out(rows, 0.0);
  for (const std::vector<double>& run : runs) {
    base::check(run.size() == rows, run.size(), " values and clusters of ", rows, " rows");
    for (std::size_t i = 0; i < rows; ++i) out[i] += run[i] / static_cast<double>(runs.size());
  }
  return out;
}

}  // namespace

std::optional<SeedInterval> bootstrap_seeds(std::span<const std::vector<double>> runs,
                                            std::span<const std::int64_t> clusters,
                                            const BootstrapOptions& options) {
  const std::vector<std::vector<double>> nothing = {std::vector<double>(clusters.size())};
  return bootstrap_seed_difference(runs, nothing, clusters, options);
}

std::optional<SeedInterval> bootstrap_seed_difference(std::span<const std::vector<double>> first,
                                                      std::span<const std::vector<double>> second,
                                                      std::span<const std::int64_t> clusters,
                                                      const BootstrapOptions& options) {
  if (first.empty() || second.empty() || clusters.empty()) return std::nullopt;
  std::vector<std::vector<double>> columns(first.begin(), first.end());
  columns.insert(columns.end(), second.begin(), second.end());
  const ClusterTable table = make_cluster_table(columns, clusters);
  std::vector<double> means = means_of(columns);
  std::vector<double> differences(static_cast<std::size_t>(options.resamples));
  for_each_resample(
      table, options,
      [&](std::size_t i, std::span<const double> sums, double rows, base::Random& random) {
        const double ours = mean_of_drawn(sums.first(first.size()), random);
        const double theirs = mean_of_drawn(sums.subspan(first.size()), random);
        differences[i] = (ours - theirs) / rows;
      });
  const std::span<const double> all(means);
  SeedInterval out;
  out.interval =
      percentile_interval(mean(all.first(first.size())) - mean(all.subspan(first.size())),
                          std::move(differences), options.level);
  out.interval.rows = clusters.size();
  out.interval.clusters = table.clusters;
  out.seeds = first.size();
  means.resize(first.size());
  out.deviation = deviation(means);
  out.means = std::move(means);
  return out;
}

std::optional<SeedError> seed_error(std::span<const std::vector<double>> runs,
                                    std::span<const std::int64_t> clusters) {
  const std::vector<std::vector<double>> nothing = {std::vector<double>(clusters.size())};
  return seed_difference_error(runs, nothing, clusters);
}

std::optional<SeedError> seed_difference_error(std::span<const std::vector<double>> first,
                                               std::span<const std::vector<double>> second,
                                               std::span<const std::int64_t> clusters) {
  if (first.empty() || second.empty() || clusters.empty()) return std::nullopt;
  SeedError out;
  double squares = 0;  // of the parts, each over its degrees of freedom
  const auto add = [&](double& part, double variance, std::size_t of) {
    part += variance;
    squares += variance * variance / static_cast<double>(of - 1);
  };
  for (const auto& runs : {first, second}) {
    if (runs.size() < 2) continue;
    const double own = deviation(means_of(runs));
    add(out.between_seeds, own * own / static_cast<double>(runs.size()), runs.size());
  }
  const std::vector<double> rows =
      paired_differences(mean_run(first, clusters.size()), mean_run(second, clusters.size()));
  const auto clustered = clustered_error(rows, clusters);
  if (!clustered) return std::nullopt;
  add(out.between_clusters, *clustered * *clustered,
      std::set<std::int64_t>(clusters.begin(), clusters.end()).size());
  const double variance = out.between_seeds + out.between_clusters;
  if (variance <= 0) return std::nullopt;
  out.error = std::sqrt(variance);
  out.freedom = variance * variance / squares;
  return out;
}

double seed_test(double difference, const SeedError& error) {
  return 2 * student_below(-std::abs(difference) / error.error, error.freedom);
}

}  // namespace metrics
