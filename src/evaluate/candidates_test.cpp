#include "evaluate/candidates.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "evaluate/examples.h"
#include "evaluate/test_recommender.h"

namespace evaluate {
namespace {

class Candidates : public testing::Test {
 protected:
  std::vector<dialogue::Dialogue> dialogues_ = test::two_dialogues();
  std::vector<Instance> instances_ = make_instances(test::pointers(dialogues_));
  std::vector<std::int64_t> frequencies_ = std::vector<std::int64_t>(300, 0);
};

TEST_F(Candidates, AreDifferentItemsThatNobodyNamed) {
  const auto negatives = draw_negatives(instances_, frequencies_, 1);
  ASSERT_EQ(negatives.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i)
    for (const std::vector<int>& items : negatives[i].items) {
      EXPECT_EQ(items.size(), 99u);
      EXPECT_EQ(std::set<int>(items.begin(), items.end()).size(), 99u);
      for (const Gold& gold : instances_[i].golds)
        EXPECT_EQ(std::count(items.begin(), items.end(), gold.item), 0);
      for (const dialogue::KnownItem& known : instances_[i].state.items)
        EXPECT_EQ(std::count(items.begin(), items.end(), known.item), 0);
    }
}

TEST_F(Candidates, AreTheSameForEveryModelAndOthersForAnotherSeed) {
  const auto first = draw_negatives(instances_, frequencies_, 1),
             again = draw_negatives(instances_, frequencies_, 1),
             other = draw_negatives(instances_, frequencies_, 2);
  EXPECT_EQ(first[0].items, again[0].items);
  EXPECT_NE(first[0].items, other[0].items);
  EXPECT_NE(first[0].items[0], first[1].items[0]);
}

TEST_F(Candidates, PopularOnesComeInProportion) {
  // Item 50 has 100,000 mentions, all others none: it is the first draw but for 299 in 100,300.
  frequencies_[50] = 100'000;
  const auto negatives = draw_negatives(instances_, frequencies_, 1);
  EXPECT_EQ(negatives[0].items[1][0], 50);
  EXPECT_NE(negatives[0].items[0][0], 50);
  EXPECT_EQ(negatives[0].items[1].size(), 99u);  // though all other draws miss
}

TEST_F(Candidates, EveryItemIsDrawnAlikeWhereTheyAreUniform) {
  // 297 of 300 items are free in 7/1 (A is named, B and C are golds): a third of 2,000 draws each.
  std::vector<int> counts(300, 0);
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const auto negatives = draw_negatives({instances_[0]}, frequencies_, seed);
    for (int item : negatives[0].items[0]) ++counts[static_cast<std::size_t>(item)];
  }
  EXPECT_EQ(counts[0] + counts[1] + counts[2], 0);
  // Mean 666.7, deviation sqrt(2000 / 3 * 2 / 3) = 21: five of them.
  for (std::size_t i = 3; i < 300; ++i) EXPECT_NEAR(counts[i], 666.7, 105) << i;
}

TEST_F(Candidates, ASmallCatalogueGivesWhatItHas) {
  const auto negatives = draw_negatives(instances_, std::vector<std::int64_t>(6, 0), 1);
  std::vector<int> left = negatives[0].items[0];
  std::sort(left.begin(), left.end());
  EXPECT_EQ(left, (std::vector<int>{3, 4, 5}));
}

TEST_F(Candidates, MentionsCountMessagesOfTheRecommender) {
  // r "B or C or B", r "A, D", r "E", r "E F": B once for its message, E twice.
  EXPECT_EQ(recommender_mentions(test::pointers(dialogues_), 6),
            (std::vector<std::int64_t>{1, 1, 1, 1, 2, 1}));
}

// Ranks among the candidates, counted again from the model's scores.
TEST_F(Candidates, RanksAreThoseAmongTheDraws) {
  const auto pointers = test::pointers(dialogues_);
  const Examples examples = make_examples(pointers, {.frequencies = frequencies_, .seed = 3});
  std::vector<float> row(300);
  for (std::size_t i = 0; i < 300; ++i) row[i] = -static_cast<float>(i * 37 % 101) / 4;
  test::FixedRecommender recommender("fixed", [&](const dialogue::State&) { return row; });
  const ExampleRankings rankings = rank_examples(recommender, examples, test::letters(300));
  for (const NegativeKind kind : kNegativeKinds)
    for (std::size_t count : kNegativeCounts) {
      const auto ranks = sampled_ranks(kind, count, rankings.own, examples.own, examples.negatives);
      ASSERT_TRUE(ranks);
      std::vector<std::size_t> wanted;
      for (std::size_t i = 0; i < examples.own.size(); ++i)
        for (const Gold& gold : examples.own[i].golds) {
          if (!gold.is_new) continue;
          const auto& drawn = examples.negatives[i].items[static_cast<std::size_t>(kind)];
          std::size_t rank = 0;
          for (std::size_t n = 0; n < count; ++n) {
            const auto own = static_cast<std::size_t>(gold.item),
                       other = static_cast<std::size_t>(drawn[n]);
            rank += row[other] > row[own] || (row[other] == row[own] && other < own);
          }
          wanted.push_back(rank);
        }
      EXPECT_EQ(ranks->pairs, wanted);
      EXPECT_EQ(ranks->clusters, (std::vector<std::int64_t>{0, 0, 0, 1}));
      // 7/1 has two items, B and C, and B has the higher score (-37 / 4 against -74 / 4).
      ASSERT_EQ(ranks->messages[0].size(), 2u);
      EXPECT_EQ(ranks->messages[0][0], wanted[0]);
      EXPECT_EQ(ranks->messages[0][1], wanted[1] + 1);
    }
}

}  // namespace
}  // namespace evaluate
