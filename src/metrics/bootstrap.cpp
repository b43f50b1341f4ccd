#include "metrics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <unordered_map>

#include "base/error.h"
#include "base/format.h"

namespace metrics {
namespace {

// Each row's cluster as 0, 1, … in the order of first appearance.
struct Clusters {
  std::vector<std::size_t> of_row;
  std::size_t count = 0;
};

Clusters number_clusters(std::span<const std::int64_t> clusters) {
  Clusters out;
  std::unordered_map<std::int64_t, std::size_t> known;
  for (const std::int64_t cluster : clusters)
    out.of_row.push_back(known.emplace(cluster, known.size()).first->second);
  out.count = known.size();
  return out;
}

// The value below which the share `p` of the sorted values lies, linear between two of them.
double quantile(const std::vector<double>& sorted, double p) {
  const double at = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// How often each cluster is drawn -> the statistic.
using ClusterStatistic = std::function<std::optional<double>(std::span<const double> drawn)>;

std::optional<Interval> resample(const ClusterStatistic& statistic, const Clusters& clusters,
                                 const BootstrapOptions& options) {
  base::check(options.resamples > 0 && options.level > 0 && options.level < 1, "a bootstrap of ",
              options.resamples, " resamples at level ", options.level);
  if (clusters.count == 0) return std::nullopt;
  std::vector<double> drawn(clusters.count, 1.0);
  const auto estimate = statistic(drawn);
  if (!estimate) return std::nullopt;
  base::Random random(options.place);
  std::vector<double> values;
  for (int i = 0; i < options.resamples; ++i) {
    std::ranges::fill(drawn, 0.0);
    for (std::size_t k = 0; k < clusters.count; ++k) ++drawn[random.below(clusters.count)];
    if (const auto value = statistic(drawn)) values.push_back(*value);
  }
  if (values.empty()) return std::nullopt;
  std::ranges::sort(values);
  const double tail = (1.0 - options.level) / 2;
  return Interval{.estimate = *estimate,
                  .low = quantile(values, tail),
                  .high = quantile(values, 1.0 - tail),
                  .rows = clusters.of_row.size(),
                  .clusters = clusters.count,
                  .resamples = values.size()};
}

std::vector<double> subtract(std::span<const double> first, std::span<const double> second) {
  base::check(first.size() == second.size(), "paired lists of ", first.size(), " and ",
              second.size(), " rows");
  std::vector<double> out(first.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = first[i] - second[i];
  return out;
}

struct ClusterSums {
  std::vector<double> sum, rows;
};

ClusterSums sum_clusters(std::span<const double> values, const Clusters& clusters) {
  base::check(values.size() == clusters.of_row.size(), values.size(), " values and clusters of ",
              clusters.of_row.size(), " rows");
  ClusterSums out{std::vector<double>(clusters.count, 0.0),
                  std::vector<double>(clusters.count, 0.0)};
  for (std::size_t i = 0; i < values.size(); ++i) {
    base::check(!std::isnan(values[i]), "a mean over NaN");
    out.sum[clusters.of_row[i]] += values[i];
    ++out.rows[clusters.of_row[i]];
  }
  return out;
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
  const Clusters numbered = number_clusters(clusters);
  const ClusterSums sums = sum_clusters(values, numbered);
  const auto mean = [&](std::span<const double> drawn) -> std::optional<double> {
    const double sum = std::inner_product(drawn.begin(), drawn.end(), sums.sum.begin(), 0.0);
    return sum / std::inner_product(drawn.begin(), drawn.end(), sums.rows.begin(), 0.0);
  };
  return resample(mean, numbered, options);
}

std::optional<Interval> bootstrap_difference(std::span<const double> first,
                                             std::span<const double> second,
                                             std::span<const std::int64_t> clusters,
                                             const BootstrapOptions& options) {
  return bootstrap_mean(subtract(first, second), clusters, options);
}

std::optional<Interval> bootstrap_statistic(const WeightedStatistic& statistic,
                                            std::span<const std::int64_t> clusters,
                                            const BootstrapOptions& options) {
  const Clusters numbered = number_clusters(clusters);
  std::vector<double> weights(clusters.size());
  const auto of_clusters = [&](std::span<const double> drawn) {
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = drawn[numbered.of_row[i]];
    return statistic(weights);
  };
  return resample(of_clusters, numbered, options);
}

double randomisation_test(std::span<const double> first, std::span<const double> second,
                          std::span<const std::int64_t> clusters, const BootstrapOptions& options) {
  const Clusters numbered = number_clusters(clusters);
  const std::vector<double> sums = sum_clusters(subtract(first, second), numbered).sum;
  const double found = std::abs(std::accumulate(sums.begin(), sums.end(), 0.0));
  // Sums of the same numbers in another sign pattern may differ in the last bits only.
  const double least = found - 1e-9 * std::max(1.0, found);
  base::Random random(options.place);
  int as_far = 0;
  for (int i = 0; i < options.resamples; ++i) {
    double sum = 0;
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < sums.size(); ++k) {
      if (k % 32 == 0) bits = random.bits();
      sum += bits >> (k % 32) & 1 ? sums[k] : -sums[k];
    }
    as_far += std::abs(sum) >= least;
  }
  return (as_far + 1.0) / (options.resamples + 1.0);
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
