#include "metrics/seeds.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"
#include "metrics/power.h"

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

TEST(SeedErrors, AddWhatSeedsAndClustersDo) {
  // Means 1/2 and 1: deviation^2 = 1/8, over two seeds 1/16. Rows' means .5, 1, .5, 1: residuals
  // 1/4, sqrt(4 / 3 * 1 / 4) / 4, squared 1/48.
  const auto found = seed_error(Runs{{0, 1, 0, 1}, {1, 1, 1, 1}}, Groups{1, 2, 3, 4});
  EXPECT_NEAR(found->between_seeds, 1. / 16, 1e-12);
  EXPECT_NEAR(found->between_clusters, 1. / 48, 1e-12);
  EXPECT_NEAR(found->error, std::sqrt(1. / 12), 1e-12);
  // (1/12)^2 / ((1/16)^2 / 1 + (1/48)^2 / 3)
  EXPECT_NEAR(found->freedom, 1. / 144 / (1. / 256 + 1. / 6912), 1e-12);
}

TEST(SeedErrors, OfADifferenceHaveTheSeedsOfBoth) {
  const Runs first = {{0, 1}, {1, 1}}, second = {{0, 0}, {1, 1}, {0, 0}};
  const auto found = seed_difference_error(first, second, Groups{1, 2});
  // Means 1/2, 1: 1/8 / 2. Means 0, 1, 0: 1/3 / 3. Rows' means .5, 1 less 1/3: residuals 1/4.
  EXPECT_NEAR(found->between_seeds, 1. / 16 + 1. / 9, 1e-12);
  EXPECT_NEAR(found->between_clusters, 2. / 16 * 2 / 4, 1e-12);
}

TEST(SeedErrors, OneRunHasThoseOfItsClusters) {
  const Values values = {1, 0, 1, 1, 0, 1};
  const Groups clusters = {1, 2, 3, 4, 5, 6};
  const auto found = seed_error(Runs{values}, clusters);
  EXPECT_EQ(found->between_seeds, 0);
  EXPECT_NEAR(found->error, *clustered_error(values, clusters), 1e-12);
  EXPECT_NEAR(found->freedom, 5, 1e-9);
}

TEST(SeedErrors, ThePValueIsStudents) {
  // t = 2 with 2 degrees: 1 - 2 / sqrt(6).
  EXPECT_NEAR(seed_test(-.2, {.error = .1, .freedom = 2}), 1 - 2 / std::sqrt(6.), 1e-12);
  EXPECT_NEAR(seed_test(0, {.error = .1, .freedom = 2}), 1, 1e-12);
}

TEST(SeedErrors, NothingWhereNothingVaries) {
  EXPECT_FALSE(seed_error(Runs{{1, 1}, {1, 1}}, Groups{1, 2}));
  EXPECT_FALSE(seed_error(Runs{{1, 0}, {1, 1}}, Groups{1, 1}));
  EXPECT_FALSE(seed_error(Runs{}, Groups{1, 2}));
  EXPECT_THROW(seed_error(Runs{{1}, {1, 2}}, Groups{1, 2}), base::Error);
}

// What a bootstrap of seeds and clusters gives for the same data.
TEST(SeedErrors, AgreeWithTheIntervalWhereThereAreManySeeds) {
  base::Random random({.seed = 1, .stage = "test"});
  Runs runs(40);
  Groups clusters;
  for (int i = 0; i < 200; ++i) clusters.push_back(i);
  std::vector<double> common;
  for (int i = 0; i < 200; ++i) common.push_back(random.uniform());
  for (Values& run : runs) {
    const double own = random.uniform();
    for (const double value : common) run.push_back(value + own);
  }
  const auto interval = bootstrap_seeds(runs, clusters, kOptions)->interval;
  // Uniform: deviation .29; .29 * sqrt(1 / 40 + 1 / 200) = .050, twice 1.96 of it .196.
  EXPECT_NEAR(2 * 1.96 * seed_error(runs, clusters)->error, interval.high - interval.low, .01);
}

TEST(Seeds, NothingOfNothing) {
  EXPECT_FALSE(bootstrap_seeds(Runs{}, Groups{1}));
  EXPECT_FALSE(bootstrap_seeds(Runs{{}}, Groups{}));
  EXPECT_THROW(bootstrap_seeds(Runs{{1}, {1, 2}}, Groups{1}), base::Error);
}

}  // namespace
}  // namespace metrics
