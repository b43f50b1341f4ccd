#include "metrics/ranking.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/test_data.h"

namespace metrics {
namespace {

using Ranks = std::vector<std::size_t>;

TEST(Ranking, EqualScoresRankByIndex) {
  const std::vector<float> scores = {1, 3, 2, 3};
  EXPECT_EQ(rank_of(scores, 1), 0u);
  EXPECT_EQ(rank_of(scores, 3), 1u);
  EXPECT_EQ(rank_of(scores, 2), 2u);
  EXPECT_EQ(rank_of(scores, 0), 3u);
  EXPECT_EQ(best_indices(scores, 3), (Ranks{1, 3, 2}));
  EXPECT_EQ(best_indices(scores, 9), (Ranks{1, 3, 2, 0}));
}

TEST(Ranking, MaskedItemsComeLastAndNanIsRefused) {
  const float lowest = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(rank_of(std::vector<float>{lowest, 1, lowest, 0}, 2), 3u);
  EXPECT_THROW(rank_of(std::vector<float>{0, std::nanf("")}, 0), base::Error);
  EXPECT_THROW(rank_of(std::vector<float>{0, 1}, 2), base::Error);
}

TEST(Ranking, OneRelevantItemIsWorthItsPlace) {
  EXPECT_EQ(hit_at(std::size_t{4}, 5), 1);
  EXPECT_EQ(hit_at(std::size_t{5}, 5), 0);
  EXPECT_DOUBLE_EQ(ndcg_at(0, 5), 1);
  EXPECT_DOUBLE_EQ(ndcg_at(2, 5), .5);  // 1 / log2(4)
  EXPECT_DOUBLE_EQ(reciprocal_rank_at(std::size_t{3}, 5), .25);
  EXPECT_EQ(reciprocal_rank_at(std::size_t{5}, 5), 0);
}

TEST(Ranking, MeansCarryTheirDenominator) {
  const RankingScores scores = score_pairs(Ranks{0, 2, 7}, 5);
  EXPECT_EQ(scores.count, 3u);
  EXPECT_DOUBLE_EQ(scores.hit, 2.0 / 3);
  EXPECT_DOUBLE_EQ(scores.ndcg, 1.5 / 3);
  EXPECT_DOUBLE_EQ(scores.reciprocal_rank, (1 + 1.0 / 3) / 3);
  // The first message: ranks 2 and 0, ideal 0 and 1: (1 + .5) / (1 + 1/log2(3)).
  const RankingScores messages = score_messages({{2, 0}, {9}}, 5);
  EXPECT_EQ(messages.count, 2u);
  EXPECT_DOUBLE_EQ(messages.hit, .5);
  EXPECT_DOUBLE_EQ(messages.ndcg, 1.5 / (1 + 1 / std::log2(3)) / 2);
  EXPECT_DOUBLE_EQ(messages.reciprocal_rank, .5);
  EXPECT_EQ(score_pairs(Ranks{}, 5).hit, 0);
}

TEST(Ranking, AgreesWithRecBole) {
  const auto file = base::test::data_folder() / "test_vectors/ranking/recbole_topk_cases.json";
  if (!exists(file)) GTEST_SKIP() << "skipped: no " << file;
  const base::Json root = base::read_json(file);
  for (std::size_t row = 0; row < 4; ++row) {
    Ranks ranks;
    for (std::size_t i = 0; i < 3; ++i)
      if (root["hit_matrix_pos_idx"][row][i] == 1) ranks.push_back(i);
    const auto relevant = root["num_positives_pos_len"][row].get<std::size_t>();
    for (std::size_t k = 1; k <= 3; ++k) {
      EXPECT_DOUBLE_EQ(hit_at(ranks, k), root["hit"][row][k - 1].get<double>());
      EXPECT_DOUBLE_EQ(ndcg_at(ranks, relevant, k), root["ndcg"][row][k - 1].get<double>());
      EXPECT_DOUBLE_EQ(reciprocal_rank_at(ranks, k), root["mrr"][row][k - 1].get<double>());
      EXPECT_DOUBLE_EQ(recall_at(ranks, relevant, k), root["recall"][row][k - 1].get<double>());
    }
  }
}

TEST(Ranking, AgreesWithRanxWhereGainsAreBinary) {
  const auto file = base::test::data_folder() / "test_vectors/ranking/ranx_cases.json";
  if (!exists(file)) GTEST_SKIP() << "skipped: no " << file;
  const base::Json root = base::read_json(file);
  int compared = 0;
  for (const base::Json& item : root["cases"]) {
    const auto run = item["run"].get<std::vector<int>>();
    Ranks ranks;
    for (std::size_t i = 0; i < run.size(); ++i)
      if (item["qrels"].contains(std::to_string(run[i]))) ranks.push_back(i);
    const auto k = item["k"].get<std::size_t>();
    const auto compare = [&](const char* name, double ours) {
      if (!item.contains(name)) return;
      EXPECT_DOUBLE_EQ(ours, item[name].get<double>());
      ++compared;
    };
    compare("reciprocal_rank", reciprocal_rank_at(ranks, k));
    compare("recall", recall_at(ranks, item["qrels"].size(), k));
    compare("hits", recall_at(ranks, item["qrels"].size(), k) * item["qrels"].size());
    compare("hit_rate", hit_at(ranks, k));
  }
  EXPECT_EQ(compared, 5);
}

using ByQuery = std::map<std::string, std::vector<std::vector<std::string>>>;

// The fields of each line, by the field at `key`.
ByQuery read_fields(const std::filesystem::path& file, std::size_t key) {
  ByQuery out;
  base::read_lines(file, [&](std::string_view line, long) {
    std::istringstream in{std::string(line)};
    std::vector<std::string> fields;
    for (std::string field; in >> field;) fields.push_back(field);
    if (fields.size() > key) out[fields[key]].push_back(fields);
  });
  return out;
}

TEST(Ranking, AgreesWithTrecEval) {
  const auto folder = base::test::data_folder() / "test_vectors/ranking/trec_eval";
  if (!exists(folder)) GTEST_SKIP() << "skipped: no " << folder;
  ByQuery run = read_fields(folder / "results.test.xz", 0);
  ByQuery judged = read_fields(folder / "qrels.test.xz", 0);
  ByQuery expected = read_fields(folder / "out.test.aq", 1);
  int compared = 0;
  for (auto& [query, rows] : run) {
    // trec_eval's order: score, then the document's name, both downwards.
    std::ranges::sort(rows, [](const auto& a, const auto& b) {
      const float x = std::stof(a[4]), y = std::stof(b[4]);
      return x != y ? x > y : a[2] > b[2];
    });
    std::set<std::string> relevant;
    for (const auto& row : judged[query])
      if (std::stoi(row[3]) > 0) relevant.insert(row[2]);
    Ranks ranks;
    for (std::size_t i = 0; i < rows.size(); ++i)
      if (relevant.contains(rows[i][2])) ranks.push_back(i);
    const std::map<std::string, double> ours = {
        {"ndcg_cut_5", ndcg_at(ranks, relevant.size(), 5)},
        {"success_5", hit_at(ranks, 5)},
        {"recall_5", recall_at(ranks, relevant.size(), 5)},
        {"recip_rank", reciprocal_rank_at(ranks, rows.size())}};
    for (const auto& row : expected[query]) {
      if (!ours.contains(row[0])) continue;
      EXPECT_NEAR(ours.at(row[0]), std::stod(row[2]), 5.1e-5) << query << " " << row[0];
      ++compared;
    }
  }
  EXPECT_GE(compared, 9);
}

}  // namespace
}  // namespace metrics
