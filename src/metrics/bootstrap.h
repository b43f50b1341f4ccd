#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "metrics/correlation.h"

namespace metrics {

// Rows of one cluster (a dialogue, a worker) are not independent, so whole clusters are drawn, with
// replacement, as many as there are (Efron & Tibshirani 1993; percentile intervals). `clusters`
// holds each row's cluster, any numbers. One random place gives one result, whatever the numbers of
// the clusters are, however many threads there are and whatever else is asked for with it.
struct BootstrapOptions {
  int resamples = 10'000;
  double level = 0.95;
  base::RandomPlace place = {.stage = "metrics/bootstrap"};
};

struct Interval {
  double estimate = 0;  // of the rows as they are
  double low = 0;
  double high = 0;
  std::size_t rows = 0;
  std::size_t clusters = 0;
  std::size_t resamples = 0;  // those in which the statistic is defined
};

// "0.807 [0.794, 0.820]"; "-" where there is none.
std::string format_interval(const std::optional<Interval>& interval);

// The mean of `values`. O(clusters) a resample. Nothing where there is no row.
std::optional<Interval> bootstrap_mean(std::span<const double> values,
                                       std::span<const std::int64_t> clusters,
                                       const BootstrapOptions& options = {});

// The same of several columns of values over the same rows, with the same draws for all: each as
// bootstrap_mean gives it, for little more than the time of one.
std::vector<std::optional<Interval>> bootstrap_means(std::span<const std::vector<double>> columns,
                                                     std::span<const std::int64_t> clusters,
                                                     const BootstrapOptions& options = {});

// The mean of first[i] - second[i]: two models on the same rows.
std::optional<Interval> bootstrap_difference(std::span<const double> first,
                                             std::span<const double> second,
                                             std::span<const std::int64_t> clusters,
                                             const BootstrapOptions& options = {});

// Any statistic of weighted rows (metrics/correlation.h has AUC, Pearson, Spearman): a row's weight
// is how often its cluster was drawn. O(rows) a resample. Nothing where the statistic is not
// defined for the rows as they are or in no resample.
std::optional<Interval> bootstrap_statistic(const WeightedStatistic& statistic,
                                            std::span<const std::int64_t> clusters,
                                            const BootstrapOptions& options = {});

// Fisher's randomisation test, paired and two-sided: how often the mean difference is at least as
// far from 0 when each cluster's sign is thrown, (that + 1) / (resamples + 1). 1 where there is no
// row. Only options.resamples and .place count.
double randomisation_test(std::span<const double> first, std::span<const double> second,
                          std::span<const std::int64_t> clusters,
                          const BootstrapOptions& options = {});

// The same of several columns of differences over the same rows.
std::vector<double> randomisation_tests(std::span<const std::vector<double>> differences,
                                        std::span<const std::int64_t> clusters,
                                        const BootstrapOptions& options = {});

// first[i] - second[i]. Throws base::Error (internal) where the lengths differ.
std::vector<double> paired_differences(std::span<const double> first,
                                       std::span<const double> second);

// Holm's correction (1979) for several declared comparisons: adjusted p-values in the order given,
// at most 1.
std::vector<double> holm_adjust(std::span<const double> p_values);

}  // namespace metrics
