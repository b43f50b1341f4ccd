#include "metrics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/format.h"
#include "metrics/parallel.h"
#include "metrics/resampling.h"

namespace metrics {
namespace {

void check_options(const BootstrapOptions& options) {
  base::check(options.resamples > 0 && options.level > 0 && options.level < 1, "a bootstrap of ",
              options.resamples, " resamples at level ", options.level);
}

std::vector<std::vector<double>> one_column(std::span<const double> values) {
  return {std::vector<double>(values.begin(), values.end())};
}

}  // namespace

std::string format_interval(const std::optional<Interval>& interval) {
  if (!interval) return "-";
  return base::concatenate(base::fixed(interval->estimate, 3), " [", base::fixed(interval->low, 3),
                           ", ", base::fixed(interval->high, 3), "]");
}

std::optional<Interval> bootstrap_mean(std::span<const double> values,
                                       std::span<const std::int64_t> clusters,
                                       const BootstrapOptions& options) {
  return bootstrap_means(one_column(values), clusters, options).front();
}

std::vector<std::optional<Interval>> bootstrap_means(std::span<const std::vector<double>> columns,
                                                     std::span<const std::int64_t> clusters,
                                                     const BootstrapOptions& options) {
  check_options(options);
  const ClusterTable table = make_cluster_table(columns, clusters);
  std::vector<std::optional<Interval>> intervals(columns.size());
  if (table.clusters == 0) return intervals;
  std::vector<std::vector<double>> means(
      columns.size(), std::vector<double>(static_cast<std::size_t>(options.resamples)));
  for_each_resample(table, options,
                    [&](std::size_t i, std::span<const double> sums, double rows, base::Random&) {
                      for (std::size_t c = 0; c < sums.size(); ++c) means[c][i] = sums[c] / rows;
                    });
  run_parallel(columns.size(), [&](std::size_t c) {
    double sum = 0;
    for (std::size_t k = 0; k < table.clusters; ++k) sum += table.sums[k * table.columns + c];
    Interval interval = percentile_interval(sum / static_cast<double>(clusters.size()),
                                            std::move(means[c]), options.level);
    interval.rows = clusters.size();
    interval.clusters = table.clusters;
    intervals[c] = interval;
  });
  return intervals;
}

std::optional<Interval> bootstrap_difference(std::span<const double> first,
                                             std::span<const double> second,
                                             std::span<const std::int64_t> clusters,
                                             const BootstrapOptions& options) {
  return bootstrap_mean(paired_differences(first, second), clusters, options);
}

std::optional<Interval> bootstrap_statistic(const WeightedStatistic& statistic,
                                            std::span<const std::int64_t> clusters,
                                            const BootstrapOptions& options) {
  check_options(options);
  const ClusterTable table = make_cluster_table({}, clusters);
  if (table.clusters == 0) return std::nullopt;
  const auto estimate = statistic(std::vector<double>(clusters.size(), 1.0));
  if (!estimate) return std::nullopt;
  std::vector<double> drawn(table.clusters), weights(clusters.size()), values;
  std::optional<base::Random> random;
  for (std::size_t i = 0; i < static_cast<std::size_t>(options.resamples); ++i) {
    if (i % kResampleBlock == 0) random = block_random(options, i / kResampleBlock);
    draw_clusters(*random, drawn);
    for (std::size_t row = 0; row < weights.size(); ++row) weights[row] = drawn[table.of_row[row]];
    if (const auto value = statistic(weights)) values.push_back(*value);
  }
  if (values.empty()) return std::nullopt;
  Interval interval = percentile_interval(*estimate, std::move(values), options.level);
  interval.rows = clusters.size();
  interval.clusters = table.clusters;
  return interval;
}

double randomisation_test(std::span<const double> first, std::span<const double> second,
                          std::span<const std::int64_t> clusters, const BootstrapOptions& options) {
  return randomisation_tests(one_column(paired_differences(first, second)), clusters, options)
      .front();
}

std::vector<double> randomisation_tests(std::span<const std::vector<double>> differences,
                                        std::span<const std::int64_t> clusters,
                                        const BootstrapOptions& options) {
  check_options(options);
  const ClusterTable table = make_cluster_table(differences, clusters);
  const auto resamples = static_cast<std::size_t>(options.resamples);
  const std::size_t blocks = (resamples + kResampleBlock - 1) / kResampleBlock;
  std::vector<double> least(table.columns, 0.0);
  for (std::size_t k = 0; k < table.clusters; ++k)
    for (std::size_t c = 0; c < table.columns; ++c) least[c] += table.sums[k * table.columns + c];
  // Sums of the same numbers in another sign pattern may differ in the last bits only.
  for (double& sum : least) sum = std::abs(sum) - 1e-9 * std::max(1.0, std::abs(sum));
  std::vector<std::vector<int>> as_far(blocks, std::vector<int>(table.columns, 0));
  run_parallel(blocks, [&](std::size_t block) {
    base::Random random = block_random(options, block);
    std::vector<double> sums(table.columns);
    const std::size_t end = std::min(resamples, (block + 1) * kResampleBlock);
    for (std::size_t i = block * kResampleBlock; i < end; ++i) {
      std::ranges::fill(sums, 0.0);
      std::uint32_t bits = 0;
      for (std::size_t k = 0; k < table.clusters; ++k) {
        if (k % 32 == 0) bits = random.bits();
        const double sign = bits >> (k % 32) & 1 ? 1.0 : -1.0;
        const double* own = &table.sums[k * table.columns];
        for (std::size_t c = 0; c < table.columns; ++c) sums[c] += sign * own[c];
      }
      for (std::size_t c = 0; c < table.columns; ++c)
        as_far[block][c] += std::abs(sums[c]) >= least[c];
    }
  });
  std::vector<double> p_values(table.columns);
  for (std::size_t c = 0; c < table.columns; ++c) {
    int total = 0;
    for (const std::vector<int>& block : as_far) total += block[c];
    p_values[c] = (total + 1.0) / (options.resamples + 1.0);
  }
  return p_values;
}

std::vector<double> paired_differences(std::span<const double> first,
                                       std::span<const double> second) {
  base::check(first.size() == second.size(), "paired lists of ", first.size(), " and ",
              second.size(), " rows");
  std::vector<double> out(first.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = first[i] - second[i];
  return out;
}

std::vector<double> holm_adjust(std::span<const double> p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::size_t i) { return p_values[i]; });
  std::vector<double> out(p_values.size());
  double highest = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto left = static_cast<double>(order.size() - i);
    highest = std::max(highest, std::min(1.0, left * p_values[order[i]]));
    out[order[i]] = highest;
  }
  return out;
}

}  // namespace metrics
