#include "evaluate/ranking.h"

#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/random.h"
#include "evaluate/test_recommender.h"

namespace evaluate {
namespace {

using Qrels = std::map<std::string, std::set<std::string>>;
using RunFile = std::map<std::string, std::vector<std::pair<float, std::string>>>;

Qrels read_qrels(const std::filesystem::path& file) {
  Qrels qrels;
  std::istringstream lines(base::read_file(file));
  std::string query, zero, item, one;
  while (lines >> query >> zero >> item >> one) qrels[query].insert(item);
  return qrels;
}

// Order by score alone, as a tool that ignores the rank column would.
RunFile read_run(const std::filesystem::path& file) {
  RunFile run;
  std::istringstream lines(base::read_file(file));
  std::string query, q0, item, model;
  int rank = 0;
  float score = 0;
  while (lines >> query >> q0 >> item >> rank >> score >> model) {
    auto& list = run[query];
    EXPECT_EQ(rank, static_cast<int>(list.size()) + 1);
    if (!list.empty()) {
      EXPECT_LT(score, list.back().first) << query;
    }
    list.emplace_back(score, item);
  }
  return run;
}

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

TEST_F(Ranking, FilesSayTheSame) {
  base::TemporaryFolder folder;
  write_qrels(folder.path(), instances_, catalogue_);
  write_run(folder.path(), rank(backwards), instances_, catalogue_);
  EXPECT_EQ(base::read_file(folder.path() / "v2/qrels.trec"),
            "7/1 0 101 1\n7/1 0 102 1\n7/3 0 103 1\n8/3 0 105 1\n");
  EXPECT_EQ(base::read_file(folder.path() / "v2/fixed.trec").substr(0, 54),
            "7/1 Q0 105 1 -1.0000 fixed\n7/1 Q0 104 2 -2.0000 fixed\n");
  const RunFile run = read_run(folder.path() / "v2/fixed.trec");
  EXPECT_EQ(run.at("7/3").size(), 3u);  // A, B, C are masked
  EXPECT_EQ(read_run(folder.path() / "ln/fixed.trec").size(), 1u);
}

// 300 items, 40 dialogues, coarse scores with many ties: each number again from the files alone.
TEST(TrecFiles, GiveTheSameNumbersToAnybody) {
  std::vector<dialogue::Item> items;
  for (int i = 0; i < 300; ++i) items.push_back({"m" + std::to_string(i), "T", "", {}, {}});
  const dialogue::Catalogue catalogue(items);
  base::Random random({.seed = 3, .stage = "test"});
  const auto any = [&] { return static_cast<int>(random.below(300)); };
  std::vector<dialogue::Dialogue> dialogues(40);
  for (std::size_t d = 0; d < dialogues.size(); ++d) {
    dialogues[d].id = "c " + std::to_string(d);
    for (int t = 0; t < 6; ++t) {
      const auto role = t % 2 ? dialogue::Role::recommender : dialogue::Role::seeker;
      const int item = any() % 60;
      dialogues[d].turns.push_back(test::turn(std::to_string(t), role, "@ @", {item, any()}));
      dialogues[d].seeker_labels.push_back({item, {}, t % 4 == 1, t % 3 == 0});
    }
  }
  const auto instances = make_instances(test::pointers(dialogues));
  test::FixedRecommender recommender("some model", [&](const dialogue::State&) {
    std::vector<float> row(300);
    for (float& score : row) score = -static_cast<float>(random.below(20)) / 4;
    for (int i = 0; i < 60; ++i) row[static_cast<std::size_t>(i)] += 3;
    return row;
  });
  const ModelRanking ranking = rank_instances(recommender, instances, catalogue);
  const ModelScores scores = score_ranking(ranking, instances);
  base::TemporaryFolder folder;
  write_qrels(folder.path(), instances, catalogue);
  write_run(folder.path(), ranking, instances, catalogue);
  for (const auto& [protocol, own] : scores.protocols) {
    const Qrels qrels = read_qrels(folder.path() / protocol / "qrels.trec");
    const RunFile run = read_run(folder.path() / protocol / "some model.trec");
    ASSERT_EQ(qrels.size(), run.size());
    double pairs = 0, hits = 0, gain = 0, any_hit = 0;
    for (const auto& [query, relevant] : qrels) {
      bool any_here = false;
      for (std::size_t r = 0; r < 10; ++r) {
        if (!relevant.contains(run.at(query)[r].second)) continue;
        hits += 1;
        gain += 1 / std::log2(static_cast<double>(r) + 2);
        any_here = true;
      }
      pairs += static_cast<double>(relevant.size());
      any_hit += any_here;
    }
    EXPECT_EQ(own.pairs[2].k, 10u);
    EXPECT_EQ(static_cast<double>(own.pairs[2].count), pairs);
    EXPECT_NEAR(own.pairs[2].hit, hits / pairs, 1e-12) << protocol;
    EXPECT_NEAR(own.pairs[2].ndcg, gain / pairs, 1e-12) << protocol;
    EXPECT_NEAR(own.messages[2].hit, any_hit / static_cast<double>(qrels.size()), 1e-12);
    EXPECT_GT(hits, 0);
  }
}

}  // namespace
}  // namespace evaluate
