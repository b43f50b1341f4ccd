#include "evaluate/ranking.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "evaluate/test_recommender.h"

namespace evaluate {
namespace {

class Ranking : public testing::Test {
 protected:
  ModelRanking rank(const test::FixedRecommender::Rank& rank) {
    test::FixedRecommender recommender("fixed", rank);
    return rank_instances(recommender, instances_, catalogue_);
  }
  // F E D C B A, whatever was said.
  static std::vector<float> backwards(const dialogue::State&) { return {-6, -5, -4, -3, -2, -1}; }

  dialogue::Catalogue catalogue_ = test::letters(6);
  std::vector<dialogue::Dialogue> dialogues_ = test::two_dialogues();
  std::vector<Instance> instances_ = make_instances(test::pointers(dialogues_));
};

using Ranks = std::vector<std::size_t>;

TEST_F(Ranking, RanksAreWorkedOutByHand) {
  const ModelRanking ranking = rank(backwards);
  const ProtocolRanks v1 = ranks_in(Protocol::v1, ranking, instances_);
  EXPECT_EQ(v1.pairs, (Ranks{4, 3, 5, 2, 1, 0}));  // B C | A D | E F
  EXPECT_EQ(v1.clusters, (std::vector<std::int64_t>{0, 0, 0, 0, 1, 1}));
  // 7/1 masks A; 7/3 masks A, B, C; 8/3 masks E.
  const ProtocolRanks v2 = ranks_in(Protocol::v2, ranking, instances_);
  EXPECT_EQ(v2.pairs, (Ranks{4, 3, 2, 0}));  // B C | D | F
  EXPECT_EQ(v2.messages, (std::vector<Ranks>{{4, 3}, {2}, {0}}));
  EXPECT_EQ(ranks_in(Protocol::v3, ranking, instances_).pairs, (Ranks{4, 2, 0}));
  EXPECT_EQ(ranks_in(Protocol::ln, ranking, instances_).pairs, (Ranks{4}));
}

TEST_F(Ranking, NamedItemsDoNotStandInTheWayWhereTheyAreMasked) {
  // A B C D E F: after A, B, C the item D is first.
  const ModelRanking ranking =
      rank([](const dialogue::State&) { return std::vector<float>{-1, -2, -3, -4, -5, -6}; });
  EXPECT_EQ(ranks_in(Protocol::v2, ranking, instances_).pairs, (Ranks{0, 1, 0, 4}));
}

TEST_F(Ranking, ScoresAreMeansOverPairsAndOverMessages) {
  const ModelScores scores = score_ranking(rank(backwards), instances_);
  const ProtocolScores& v1 = scores.protocols.at("v1");
  EXPECT_EQ(v1.pairs[0].k, 1u);
  EXPECT_EQ(v1.pairs[0].count, 6u);
  EXPECT_NEAR(v1.pairs[0].hit, 1. / 6, 1e-12);     // F
  EXPECT_NEAR(v1.pairs[1].hit, 5. / 6, 1e-12);     // all but A
  EXPECT_NEAR(v1.messages[0].hit, 1. / 3, 1e-12);  // 8/3
  EXPECT_EQ(v1.messages[1].hit, 1);
  EXPECT_EQ(v1.messages[1].count, 3u);
  EXPECT_EQ(scores.protocols.at("ln").pairs[1].count, 1u);
}

TEST_F(Ranking, KnowingTheAnswerScoresOne) {
  const ModelRanking ranking = rank([](const dialogue::State& state) {
    if (state.turns == 1) return std::vector<float>{-9, -1, -2, -9, -9, -9};
    if (state.window[0].role == dialogue::Role::seeker)
      return std::vector<float>{-1, -9, -9, -2, -9, -9};
    return std::vector<float>{-9, -9, -9, -9, -1, -2};
  });
  for (const auto& [protocol, scores] : score_ranking(ranking, instances_).protocols) {
    EXPECT_EQ(scores.pairs[1].hit, 1) << protocol;
    if (protocol == "dl") continue;  // the disliked item stands second, behind the liked one
    EXPECT_EQ(scores.messages[0].hit, 1) << protocol;
    EXPECT_NEAR(scores.messages[1].ndcg, 1, 1e-12) << protocol;
    EXPECT_EQ(scores.messages[0].reciprocal_rank, 1) << protocol;
  }
}

TEST_F(Ranking, ARecommenderThatBreaksItsPromiseIsRefused) {
  EXPECT_THROW(rank([](const dialogue::State&) { return std::vector<float>(5); }), base::Error);
  EXPECT_THROW(rank([](const dialogue::State&) { return std::vector<float>(6, NAN); }),
               base::Error);
}

}  // namespace
}  // namespace evaluate
