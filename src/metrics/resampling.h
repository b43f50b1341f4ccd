#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "metrics/bootstrap.h"

namespace metrics {

// What bootstraps have in common. K columns of values stand over the same rows.
struct ClusterTable {
  std::vector<std::size_t> of_row;  // each row's cluster as 0, 1, … in order of first appearance
  std::size_t clusters = 0;
  std::size_t columns = 0;
  std::vector<double> rows;  // [clusters]: how many rows each has
  std::vector<double> sums;  // [clusters, K], row-major: of each column's values
};

// Throws base::Error (internal) where lengths differ or a value is NaN.
ClusterTable make_cluster_table(std::span<const std::vector<double>> columns,
                                std::span<const std::int64_t> clusters);

// The random stream of a block of resamples: blocks can be worked on in any order.
inline constexpr std::size_t kResampleBlock = 64;
base::Random block_random(const BootstrapOptions& options, std::size_t block);

// Uniform over 0 … n-1, n > 0, by one multiplication (Lemire 2019).
std::uint32_t draw_below(base::Random& random, std::uint32_t n);

// How often each cluster was drawn in one resample of as many clusters as there are.
void draw_clusters(base::Random& random, std::span<double> drawn);

// Of one resample: the sum of each column over the clusters drawn, and of their rows. `random` goes
// on after the draws, for what else is drawn. Called on several threads, each number once.
using ResampleVisit = std::function<void(std::size_t resample, std::span<const double> sums,
                                         double rows, base::Random& random)>;
void for_each_resample(const ClusterTable& table, const BootstrapOptions& options,
                       const ResampleVisit& visit);

// The middle `level` of the values; at least one value.
Interval percentile_interval(double estimate, std::vector<double> values, double level);

}  // namespace metrics
