#include "metrics/seeds.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"

namespace metrics {
namespace {

using Values = std::vector<double>;
using Runs = std::vector<Values>;
using Groups = std::vector<std::int64_t>;

const BootstrapOptions kOptions{.resamples = 4000};

TEST(Seeds, TheMeanIsOverRunsAndTheDeviationBetweenThem) {
  const Runs runs = {{0, 1, 0, 1}, {1, 1, 1, 1}};
  const auto found = bootstrap_seeds(runs, Groups{1, 2, 3, 4}, kOptions);
  EXPECT_DOUBLE_EQ(found->interval.estimate, .75);
  EXPECT_EQ(found->means, (Values{.5, 1}));
  EXPECT_NEAR(found->deviation, .5 / std::sqrt(2), 1e-12);  // sqrt((.25^2 + .25^2) / 1)
  EXPECT_EQ(found->seeds, 2u);
  EXPECT_EQ(found->interval.rows, 4u);
  EXPECT_EQ(found->interval.clusters, 4u);
}

TEST(Seeds, EqualRunsGiveTheIntervalOfOne) {
  Values values;
  Groups clusters;
  for (int i = 0; i < 400; ++i) {
    values.push_back(i % 2);
    clusters.push_back(i);
  }
  const auto three = bootstrap_seeds(Runs{values, values, values}, clusters, kOptions);
  EXPECT_NEAR(three->interval.low, .451, .006);  // .5 - 1.96 * sqrt(.25 / 400)
  EXPECT_NEAR(three->interval.high, .549, .006);
  EXPECT_EQ(three->deviation, 0);
}

TEST(Seeds, RunsThatDifferWidenIt) {
  // No spread between rows: all of it is between seeds. The mean of 4 draws of 0 or 1 with chance
  // one half has a deviation of .25; its 2.5 % quantile is 0 (chance 1/16 for no 1).
  const Runs runs = {Values(50, 0.), Values(50, 1.), Values(50, 0.), Values(50, 1.)};
  Groups clusters;
  for (int i = 0; i < 50; ++i) clusters.push_back(i);
  const auto found = bootstrap_seeds(runs, clusters, kOptions);
  EXPECT_DOUBLE_EQ(found->interval.low, 0);
  EXPECT_DOUBLE_EQ(found->interval.high, 1);
}

TEST(Seeds, ADifferenceDrawsTheRowsOfBothTogether) {
  Runs first(2), second(3);
  Groups clusters;
  for (int i = 0; i < 60; ++i) {
    for (Values& run : first) run.push_back(i + 2);
    for (Values& run : second) run.push_back(i);
    clusters.push_back(i / 3);
  }
  const auto found = bootstrap_seed_difference(first, second, clusters, kOptions);
  EXPECT_NEAR(found->interval.low, 2, 1e-9);
  EXPECT_NEAR(found->interval.high, 2, 1e-9);
  EXPECT_EQ(found->interval.clusters, 20u);
}

TEST(Seeds, NothingOfNothing) {
  EXPECT_FALSE(bootstrap_seeds(Runs{}, Groups{1}));
  EXPECT_FALSE(bootstrap_seeds(Runs{{}}, Groups{}));
  EXPECT_THROW(bootstrap_seeds(Runs{{1}, {1, 2}}, Groups{1}), base::Error);
}

}  // namespace
}  // namespace metrics
