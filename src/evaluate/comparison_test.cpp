#include "evaluate/comparison.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "evaluate/test_recommender.h"
#include "evaluate/world.h"

namespace evaluate {
namespace {

TEST(Comparison, ValuesAreThoseOfThePairs) {
  const ProtocolRanks ranks{.pairs = {0, 2, 7}, .clusters = {0, 0, 1}, .messages = {}};
  EXPECT_EQ(pair_values(ranks, "hr@5"), (std::vector<double>{1, 1, 0}));
  EXPECT_EQ(pair_values(ranks, "ndcg@5"), (std::vector<double>{1, .5, 0}));  // 1 / log2(4)
  EXPECT_EQ(pair_values(ranks, "mrr@10"), (std::vector<double>{1, 1. / 3, 1. / 8}));
  for (const char* bad : {"hr", "hr@", "hr@0", "hr@5x", "map@5", "@5", ""})
    EXPECT_THROW(pair_values(ranks, bad), base::UsageError) << bad;
}

class Comparisons : public testing::Test {
 protected:
  ModelRanking rank(const std::string& name, std::vector<float> row) {
    test::FixedRecommender recommender(name, [=](const dialogue::State&) { return row; });
    return rank_instances(recommender, instances_, test::letters(6));
  }
  std::vector<dialogue::Dialogue> dialogues_ = test::two_dialogues();
  std::vector<Instance> instances_ = make_instances(test::pointers(dialogues_));
};

TEST_F(Comparisons, HaveOneRowForEachDeclaredOne) {
  const std::vector<ModelRanking> rankings = {rank("up", {-1, -2, -3, -4, -5, -6}),
                                              rank("down", {-6, -5, -4, -3, -2, -1})};
  const auto rows = compare(rankings, instances_,
                            {{"v1", "hr@1", "up", "down", true},
                             {"v2", "hr@1", "up", "absent"},
                             {"v2", "mrr@5", "down", "up"}});
  ASSERT_EQ(rows.size(), 2u);
  // up finds A of 7/3 first, down finds F of 8/3 first: 1/6 each.
  EXPECT_NEAR(rows[0].difference, 0, 1e-12);
  EXPECT_EQ(rows[0].n, 6);
  EXPECT_EQ(rows[0].clusters, 2);
  EXPECT_TRUE(rows[0].primary);
  // V2 ranks: down 4 3 | 2 | 0, up 0 1 | 0 | 4.
  const double down = 1. / 5 + 1. / 4 + 1. / 3 + 1, up = 1 + 1. / 2 + 1 + 1. / 5;
  EXPECT_NEAR(rows[1].difference, (down - up) / 4, 1e-12);
  EXPECT_LE(rows[1].low, rows[1].difference);
  EXPECT_GE(rows[1].high, rows[1].difference);
  EXPECT_GT(rows[1].p, .05);  // two dialogues show nothing
}

TEST_F(Comparisons, AClearDifferenceExcludesZeroAndHolmMakesItHarder) {
  std::vector<double> first, second;
  std::vector<std::int64_t> clusters;
  for (int i = 0; i < 200; ++i) {
    first.push_back(i % 4 != 0);
    second.push_back(i % 4 == 0);
    clusters.push_back(i / 2);
  }
  std::vector<Comparison> rows = {compare_values(first, second, clusters),
                                  compare_values(first, first, clusters)};
  EXPECT_NEAR(rows[0].difference, .5, 1e-12);
  EXPECT_GT(rows[0].low, 0);
  EXPECT_EQ(rows[0].clusters, 100);
  EXPECT_LT(rows[0].p, .001);
  EXPECT_EQ(rows[1].p, 1);
  EXPECT_FALSE(rows[0].p_holm.has_value());
  correct_for_number(rows);
  EXPECT_NEAR(*rows[0].p_holm, 2 * rows[0].p, 1e-12);
  EXPECT_EQ(*rows[1].p_holm, 1);
}

TEST_F(Comparisons, RowsAreWhatEachWouldBeAlone) {
  const std::vector<ModelRanking> rankings = {rank("up", {-1, -2, -3, -4, -5, -6}),
                                              rank("down", {-6, -5, -4, -3, -2, -1})};
  const Declared first{"v2", "mrr@5", "down", "up"}, second{"v1", "hr@5", "up", "down"},
      third{"v2", "ndcg@5", "up", "down"};
  const auto together = compare(rankings, instances_, {first, second, third});
  ASSERT_EQ(together.size(), 3u);
  std::size_t i = 0;
  for (const Declared& declared : {first, second, third})
    EXPECT_EQ(to_json(together[i++]), to_json(compare(rankings, instances_, {declared})[0]));
}

TEST(Powers, SayWhatAComparisonCouldHaveFound) {
  // Differences 1, 0, 1, 1, 0, 1: mean 2/3, squares 4/3, error sqrt(6 / 5 * 4 / 3) / 6.
  const std::vector<double> first = {1, 0, 1, 1, 0, 1}, second(6, 0.);
  const Comparison row = compare_values(first, second, {1, 2, 3, 4, 5, 6});
  EXPECT_NEAR(*row.error, std::sqrt(1.6) / 6, 1e-12);
  EXPECT_NEAR(*row.detectable, 2.801585218 * *row.error, 1e-8);
  // 2/3 / .2108 = 3.162: P(Z > 1.960 - 3.162) = .8853.
  EXPECT_NEAR(*row.power, .8853, 1e-4);
  EXPECT_EQ(to_json(comparison_from_json(to_json(row), "test")), to_json(row));
  EXPECT_FALSE(compare_values(first, first, {1, 2, 3, 4, 5, 6}).power);
  EXPECT_FALSE(compare_values(first, second, {1, 1, 1, 1, 1, 1}).error);
}

TEST(Worlds, TheOneThatListensSatisfiesMore) {
  simulate::WorldSettings settings;
  settings.items = 60;
  const simulate::World world(settings);
  simulate::LoggingRecommender listens(world, {.attentive = 1, .chat = 0}, "listens");
  simulate::LoggingRecommender guesses(world, {.attentive = 0, .chat = 0, .flatness = 0},
                                       "guesses");
  simulate::PlayOptions options;
  options.episodes = 120;
  options.people = 40;
  const WorldGame good = play_world(listens, world, options),
                  bad = play_world(guesses, world, options);
  const WorldScores scores = score_world(good);
  EXPECT_EQ(scores.episodes, 120);
  EXPECT_LE(scores.people, 40);
  EXPECT_NEAR(scores.satisfaction, simulate::mean_satisfaction(good.episodes), 1e-9);
  EXPECT_GE(scores.turns, 1);
  const Comparison row = compare_worlds(good, bad);
  EXPECT_EQ(row.protocol, "world");
  EXPECT_EQ(row.metric, "satisfaction");
  EXPECT_NEAR(row.difference, scores.satisfaction - score_world(bad).satisfaction, 1e-9);
  EXPECT_GT(row.low, 0);
  options.seed = 2;
  EXPECT_THROW(compare_worlds(good, play_world(guesses, world, options)), base::Error);
}

}  // namespace
}  // namespace evaluate
