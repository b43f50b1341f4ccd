#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace metrics {

// Agreement of two lists of one length. Labels are 0 or 1. Where a statistic is not defined (only
// one class, no spread, no weight) nothing comes back. NaN, other labels and lists of different
// length throw base::Error (internal).

// The chance that a row with label 1 has the higher score than one with label 0, ties half (Mann &
// Whitney 1947). O(n log n).
std::optional<double> auc(std::span<const double> scores, std::span<const int> labels);

// The same over pairs inside a group only (a dialogue, a user), all such pairs counted alike.
struct GroupAuc {
  double value = 0;
  double pairs = 0;        // the denominator
  std::size_t groups = 0;  // those that have a pair
};
std::optional<GroupAuc> group_auc(std::span<const double> scores, std::span<const int> labels,
                                  std::span<const std::int64_t> groups);

std::optional<double> pearson(std::span<const double> x, std::span<const double> y);

// Pearson of the ranks, equal values sharing their mean rank.
std::optional<double> spearman(std::span<const double> x, std::span<const double> y);

// A statistic of rows that have weights: row i counts as if it stood there weights[i] times; 0
// leaves it out. Sorting is done once, when it is made: a call costs O(n). That is what a bootstrap
// needs (metrics/bootstrap.h). It holds what it needs of the lists.
using WeightedStatistic = std::function<std::optional<double>(std::span<const double> weights)>;

WeightedStatistic weighted_mean(std::span<const double> values);
WeightedStatistic weighted_auc(std::span<const double> scores, std::span<const int> labels);
// The rows of a group have equal weights (else base::Error): a group that is there twice has twice
// its pairs, and none between its two copies.
WeightedStatistic weighted_group_auc(std::span<const double> scores, std::span<const int> labels,
                                     std::span<const std::int64_t> groups);
WeightedStatistic weighted_pearson(std::span<const double> x, std::span<const double> y);
WeightedStatistic weighted_spearman(std::span<const double> x, std::span<const double> y);

}  // namespace metrics
