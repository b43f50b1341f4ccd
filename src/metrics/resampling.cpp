#include "metrics/resampling.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/error.h"
#include "metrics/parallel.h"

namespace metrics {
namespace {

// The value below which the share `p` of the sorted values lies, linear between two of them.
double quantile(const std::vector<double>& sorted, double p) {
  const double at = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

ClusterTable make_cluster_table(std::span<const std::vector<double>> columns,
                                std::span<const std::int64_t> clusters) {
  ClusterTable table;
  std::unordered_map<std::int64_t, std::size_t> known;
  table.of_row.reserve(clusters.size());
  for (const std::int64_t cluster : clusters)
    table.of_row.push_back(known.emplace(cluster, known.size()).first->second);
  table.clusters = known.size();
  table.columns = columns.size();
  table.rows.assign(table.clusters, 0.0);
  table.sums.assign(table.clusters * table.columns, 0.0);
  for (const std::size_t cluster : table.of_row) ++table.rows[cluster];
  for (std::size_t c = 0; c < columns.size(); ++c) {
    base::check(columns[c].size() == clusters.size(), columns[c].size(), " values and clusters of ",
                clusters.size(), " rows");
    for (std::size_t i = 0; i < clusters.size(); ++i) {
      base::check(!std::isnan(columns[c][i]), "a mean over NaN");
      table.sums[table.of_row[i] * table.columns + c] += columns[c][i];
    }
  }
  return table;
}

base::Random block_random(const BootstrapOptions& options, std::size_t block) {
  base::RandomPlace place = options.place;
  place.stream += (static_cast<std::uint64_t>(block) + 1) << 32;
  return base::Random(place);
}

std::uint32_t draw_below(base::Random& random, std::uint32_t n) {
  std::uint64_t product = static_cast<std::uint64_t>(random.bits()) * n;
  if (static_cast<std::uint32_t>(product) < n) {
    const std::uint32_t uneven = -n % n;
    while (static_cast<std::uint32_t>(product) < uneven)
      product = static_cast<std::uint64_t>(random.bits()) * n;
  }
  return static_cast<std::uint32_t>(product >> 32);
}

void draw_clusters(base::Random& random, std::span<double> drawn) {
  const auto count = static_cast<std::uint32_t>(drawn.size());
  std::ranges::fill(drawn, 0.0);
  for (std::uint32_t i = 0; i < count; ++i) ++drawn[draw_below(random, count)];
}

void for_each_resample(const ClusterTable& table, const BootstrapOptions& options,
                       const ResampleVisit& visit) {
  const auto resamples = static_cast<std::size_t>(options.resamples);
  const auto work = [&](std::size_t block) {
    base::Random random = block_random(options, block);
    std::vector<double> drawn(table.clusters), sums(table.columns);
    const std::size_t end = std::min(resamples, (block + 1) * kResampleBlock);
    for (std::size_t i = block * kResampleBlock; i < end; ++i) {
      draw_clusters(random, drawn);
      std::ranges::fill(sums, 0.0);
      double rows = 0;
      for (std::size_t k = 0; k < table.clusters; ++k) {
        if (drawn[k] == 0) continue;
        rows += drawn[k] * table.rows[k];
        const double* own = &table.sums[k * table.columns];
        for (std::size_t c = 0; c < table.columns; ++c) sums[c] += drawn[k] * own[c];
      }
      visit(i, sums, rows, random);
    }
  };
  run_parallel((resamples + kResampleBlock - 1) / kResampleBlock, work);
}

Interval percentile_interval(double estimate, std::vector<double> values, double level) {
  std::ranges::sort(values);
  const double tail = (1.0 - level) / 2;
  return {.estimate = estimate,
          .low = quantile(values, tail),
          .high = quantile(values, 1.0 - tail),
          .resamples = values.size()};
}

}  // namespace metrics
