#pragma once

#include <optional>
#include <span>
#include <vector>

#include "metrics/bootstrap.h"

namespace metrics {

// A mean over several runs of one model that differ in their seed only. The interval draws seeds
// and clusters, both with replacement, as many as there are: it speaks of a new seed on new
// dialogues.
struct SeedInterval {
  Interval interval;          // of the mean over seeds; `rows` of one run
  std::size_t seeds = 0;      // of the first model
  double deviation = 0;       // between the means of the first model's runs (n - 1); 0 for one run
  std::vector<double> means;  // of the first model's runs, in their order
};

// runs: the values of each run on the same rows. Nothing where there is no run or no row. Few runs
// say little about seeds: with S of them the part of the variance that is theirs comes out S / (S -
// 1) times too small. Throws base::Error (internal) where lengths differ.
std::optional<SeedInterval> bootstrap_seeds(std::span<const std::vector<double>> runs,
                                            std::span<const std::int64_t> clusters,
                                            const BootstrapOptions& options = {});

// The mean over the first model's runs minus that over the second's, on the same rows: clusters are
// drawn for both together, seeds for each by itself.
std::optional<SeedInterval> bootstrap_seed_difference(std::span<const std::vector<double>> first,
                                                      std::span<const std::vector<double>> second,
                                                      std::span<const std::int64_t> clusters,
                                                      const BootstrapOptions& options = {});

// The standard error of the same mean. Seeds and clusters are two crossed samples, so its square is
// the sum of two parts: between seeds, (deviation)^2 / seeds of each model, and between clusters,
// that of the mean over seeds (clustered_error). What varies with both is in both parts (Cameron,
// Gelbach & Miller 2011 take it off once): the error is rather too large than too small.
struct SeedError {
  double error = 0;             // above 0
  double between_seeds = 0;     // parts of its square; 0 where there is one run
  double between_clusters = 0;  //
  double freedom = 0;           // degrees of freedom (Satterthwaite 1946)
};

// Nothing where bootstrap_seeds is nothing, where there are fewer than two clusters, or where
// nothing varies.
std::optional<SeedError> seed_error(std::span<const std::vector<double>> runs,
                                    std::span<const std::int64_t> clusters);
std::optional<SeedError> seed_difference_error(std::span<const std::vector<double>> first,
                                               std::span<const std::vector<double>> second,
                                               std::span<const std::int64_t> clusters);

// Two-sided p-value of a difference with that error, by Student's t distribution.
double seed_test(double difference, const SeedError& error);

}  // namespace metrics
