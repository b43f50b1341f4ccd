#include "metrics/bootstrap.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"

namespace metrics {
namespace {

using Values = std::vector<double>;
using Groups = std::vector<std::int64_t>;

// 400 rows of alternating 0 and 1, `size` rows a cluster, all rows of a cluster alike.
struct Sample {
  Values values;
  Groups clusters;
};
Sample make_sample(int size) {
  Sample out;
  for (int i = 0; i < 400; ++i) {
    out.values.push_back(i / size % 2);
    out.clusters.push_back(1000 + i / size);
  }
  return out;
}

TEST(Bootstrap, TheIntervalOfAMeanIsAsWideAsTheNormalOne) {
  const Sample sample = make_sample(1);
  const auto interval = bootstrap_mean(sample.values, sample.clusters, {.resamples = 4000});
  EXPECT_DOUBLE_EQ(interval->estimate, .5);
  EXPECT_EQ(interval->rows, 400u);
  EXPECT_EQ(interval->clusters, 400u);
  // 1.96 * sqrt(.25 / 400) = .049 on either side; the ends move by about .002 between seeds.
  EXPECT_NEAR(interval->low, .451, .006);
  EXPECT_NEAR(interval->high, .549, .006);
}

TEST(Bootstrap, RowsThatGoTogetherWidenTheInterval) {
  // 100 clusters of 4 equal rows: as 100 rows, twice as wide.
  const Sample sample = make_sample(4);
  const auto interval = bootstrap_mean(sample.values, sample.clusters, {.resamples = 4000});
  EXPECT_NEAR(interval->high - interval->low, 4 * .049, .015);
}

TEST(Bootstrap, AStatisticOfWeightsGivesTheMeansInterval) {
  const Sample sample = make_sample(4);
  const BootstrapOptions options{.resamples = 500};
  const auto direct = bootstrap_mean(sample.values, sample.clusters, options);
  const auto by_weights =
      bootstrap_statistic(weighted_mean(sample.values), sample.clusters, options);
  EXPECT_DOUBLE_EQ(direct->low, by_weights->low);
  EXPECT_DOUBLE_EQ(direct->high, by_weights->high);
}

TEST(Bootstrap, OnePlaceGivesOneResult) {
  Sample sample = make_sample(2);
  for (std::size_t i = 0; i < sample.values.size(); ++i)
    sample.values[i] = std::sqrt(static_cast<double>(i));
  const auto run = [&](std::uint64_t seed) {
    return bootstrap_mean(sample.values, sample.clusters,
                          {.resamples = 200, .place = {.seed = seed, .stage = "test"}})
        ->low;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(Bootstrap, ManyColumnsGiveWhatEachAloneGives) {
  const Sample sample = make_sample(4);
  std::vector<Values> columns = {sample.values, Values(400, .25), Values(400)};
  for (std::size_t i = 0; i < 400; ++i) columns[2][i] = std::sin(static_cast<double>(i));
  const BootstrapOptions options{.resamples = 777, .place = {.seed = 4, .stage = "test"}};
  const auto together = bootstrap_means(columns, sample.clusters, options);
  const auto p_values = randomisation_tests(columns, sample.clusters, options);
  ASSERT_EQ(together.size(), 3u);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const auto alone = bootstrap_mean(columns[c], sample.clusters, options);
    EXPECT_EQ(together[c]->low, alone->low);
    EXPECT_EQ(together[c]->high, alone->high);
    EXPECT_EQ(together[c]->resamples, 777u);
    EXPECT_EQ(p_values[c], randomisation_test(columns[c], Values(400), sample.clusters, options));
  }
  EXPECT_DOUBLE_EQ(together[1]->low, .25);
}

TEST(Bootstrap, APairedDifferenceIgnoresWhatBothShare) {
  Values first, second;
  Groups clusters;
  for (int i = 0; i < 50; ++i) {
    second.push_back(i);
    first.push_back(i + .5);
    clusters.push_back(i);
  }
  const auto interval = bootstrap_difference(first, second, clusters, {.resamples = 100});
  EXPECT_DOUBLE_EQ(interval->low, .5);
  EXPECT_DOUBLE_EQ(interval->high, .5);
  EXPECT_THROW(bootstrap_difference(first, Values{1}, clusters), base::Error);
}

TEST(Bootstrap, NothingComesBackWhereNothingIsDefined) {
  EXPECT_FALSE(bootstrap_mean(Values{}, Groups{}));
  const std::vector<int> labels = {1, 1};
  EXPECT_FALSE(bootstrap_statistic(weighted_auc(Values{1, 2}, labels), Groups{1, 2}));
}

TEST(RandomisationTest, AgreesWithCountingAllSigns) {
  // Differences 1, 2, 3: |sum| >= 6 for 2 of 8 sign patterns.
  const BootstrapOptions options{.resamples = 20'000};
  EXPECT_NEAR(randomisation_test(Values{1, 2, 3}, Values{0, 0, 0}, Groups{1, 2, 3}, options), .25,
              .015);
  // In one cluster the sum is 6 or -6, always as far.
  EXPECT_DOUBLE_EQ(randomisation_test(Values{1, 2, 3}, Values{0, 0, 0}, Groups{1, 1, 1}, options),
                   1);
  EXPECT_DOUBLE_EQ(randomisation_test(Values{}, Values{}, Groups{}, options), 1);
}

TEST(Holm, MultipliesByTheComparisonsLeft) {
  // Sorted: .01 * 3, .02 * 2 = .04, .03 * 1 is raised to .04.
  const Values adjusted = holm_adjust(Values{.02, .01, .03});
  EXPECT_DOUBLE_EQ(adjusted[0], .04);
  EXPECT_DOUBLE_EQ(adjusted[1], .03);
  EXPECT_DOUBLE_EQ(adjusted[2], .04);
  EXPECT_DOUBLE_EQ(holm_adjust(Values{.6, .9})[1], 1);
}

}  // namespace
}  // namespace metrics
