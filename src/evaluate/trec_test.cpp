#include "evaluate/trec.h"

#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "base/random.h"
#include "evaluate/test_recommender.h"
#include "metrics/spread.h"

namespace evaluate {
namespace {

struct Judged {
  std::map<std::string, int> relevant;  // and how often each counts
  std::vector<std::string> negatives;   // in their order
};
using Qrels = std::map<std::string, Judged>;  // by query
using RunFile = std::map<std::string, std::vector<std::pair<float, std::string>>>;

Qrels read_qrels(const std::filesystem::path& file) {
  Qrels qrels;
  std::istringstream lines(base::read_file(file));
  std::string query, zero, item;
  int relevance = 0;
  while (lines >> query >> zero >> item >> relevance) {
    Judged& judged = qrels[query];
    if (relevance > 0)
      judged.relevant[item] = relevance;
    else
      judged.negatives.push_back(item);
  }
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

// The rank from 0 of an item in a list without the items that are left out.
std::size_t rank_in(const std::vector<std::pair<float, std::string>>& list, const std::string& item,
                    const std::set<std::string>& left_out) {
  std::size_t rank = 0;
  for (const auto& [score, other] : list) {
    if (other == item) return rank;
    rank += !left_out.contains(other);
  }
  return list.size() + 1000;
}

struct Means {
  double hits = 0, gain = 0, any = 0, pairs = 0;
};

// Over pairs and messages, at 10, from files alone. negatives: of so many (0: the whole list).
Means means_of(const Qrels& qrels, const RunFile& run, std::size_t negatives = 0) {
  Means means;
  for (const auto& [query, judged] : qrels) {
    std::set<std::string> others;  // golds of the message and negatives that are not drawn
    for (std::size_t n = negatives; n < judged.negatives.size(); ++n)
      others.insert(judged.negatives[n]);
    std::set<std::string> alone = others;
    if (negatives > 0)
      for (const auto& [item, count] : judged.relevant) alone.insert(item);
    bool any = false;
    for (const auto& [item, count] : judged.relevant) {
      const std::size_t rank = rank_in(run.at(query), item, alone);
      means.hits += rank < 10 ? count : 0;
      means.gain += rank < 10 ? count / std::log2(static_cast<double>(rank) + 2) : 0;
      means.pairs += count;
      any |= rank_in(run.at(query), item, others) < 10;
    }
    means.any += any;
  }
  means.any /= static_cast<double>(qrels.size());
  means.hits /= means.pairs;
  means.gain /= means.pairs;
  return means;
}

void expect_equal(const ProtocolScores& own, const Means& means, const std::string& what) {
  EXPECT_EQ(own.pairs[2].k, 10u);
  EXPECT_EQ(static_cast<double>(own.pairs[2].count), means.pairs) << what;
  EXPECT_NEAR(own.pairs[2].hit, means.hits, 1e-12) << what;
  EXPECT_NEAR(own.pairs[2].ndcg, means.gain, 1e-12) << what;
  EXPECT_NEAR(own.messages[2].hit, means.any, 1e-12) << what;
  EXPECT_GT(means.hits, 0) << what;
}

// 300 items, 40 dialogues with the recommender's messages in a row and items named twice.
class TrecFiles : public testing::Test {
 protected:
  TrecFiles() {
    for (int i = 0; i < 300; ++i) items_.push_back({"m" + std::to_string(i), "T", "", {}, {}});
    catalogue_ = dialogue::Catalogue(items_);
    const auto any = [&] { return static_cast<int>(random_.below(300)); };
    for (int d = 0; d < 40; ++d) {
      dialogue::Dialogue dialogue;
      dialogue.id = "c " + std::to_string(d);
      for (int t = 0; t < 7; ++t) {
        const auto role =
            random_.below(3) == 0 ? dialogue::Role::seeker : dialogue::Role::recommender;
        const int item = any() % 60;
        dialogue.turns.push_back(
            test::turn(std::to_string(t), role, "@ @ @", {item, any(), t % 2 ? item : any()}));
        dialogue.seeker_labels.push_back({item, {}, t % 4 == 1, t % 3 == 0});
      }
      dialogues_.push_back(std::move(dialogue));
    }
    std::vector<std::int64_t> frequencies(300);
    for (std::int64_t& frequency : frequencies) frequency = random_.below(30);
    examples_ = make_examples(test::pointers(dialogues_), {.frequencies = frequencies});
    rankings_ = rank_examples(recommender_, examples_, catalogue_);
    scores_ = score_examples(rankings_, examples_);
    write_qrels(folder_.path(), examples_, catalogue_);
    write_run(folder_.path(), rankings_, examples_, catalogue_);
  }
  Qrels qrels(const std::string& part) { return read_qrels(folder_.path() / part / "qrels.trec"); }
  RunFile run(const std::string& part) {
    return read_run(folder_.path() / part / "some model.trec");
  }
  std::vector<base::Json> instances() {
    std::vector<base::Json> lines;
    base::read_lines(folder_.path() / "instances.jsonl", [&](std::string_view line, long) {
      lines.push_back(base::parse_json(line, "instances.jsonl"));
    });
    return lines;
  }

  base::Random random_{{.seed = 3, .stage = "test"}};
  std::vector<dialogue::Item> items_;
  dialogue::Catalogue catalogue_;
  std::vector<dialogue::Dialogue> dialogues_;
  test::FixedRecommender recommender_{"some model", [this](const dialogue::State&) {
                                        std::vector<float> row(300);  // coarse: many ties
                                        for (float& score : row)
                                          score = -static_cast<float>(random_.below(20)) / 4;
                                        for (std::size_t i = 0; i < 60; ++i) row[i] += 3;
                                        return row;
                                      }};
  Examples examples_;
  ExampleRankings rankings_;
  ModelScores scores_;
  base::TemporaryFolder folder_;
};

TEST_F(TrecFiles, GiveTheSameNumbersToAnybody) {
  std::size_t seen = 0;
  for (const auto& [protocol, own] : scores_.protocols) {
    if (protocol.starts_with("v4")) continue;
    ASSERT_EQ(qrels(protocol).size(), run(protocol).size()) << protocol;
    expect_equal(own, means_of(qrels(protocol), run(protocol)), protocol);
    ++seen;
  }
  EXPECT_EQ(seen, 9u);  // v1, v2, v3, ln, dl and two of each of the others' rules
}

TEST_F(TrecFiles, AreAmongTheDrawnItemsWhereTheseAreSampled) {
  for (const NegativeKind kind : kNegativeKinds)
    for (const std::size_t count : kNegativeCounts) {
      const Qrels judged = qrels(sampled_folder(kind));
      EXPECT_EQ(judged.begin()->second.negatives.size(), 99u);
      expect_equal(scores_.protocols.at(sampled_name(kind, count)),
                   means_of(judged, run(sampled_folder(kind)), count), sampled_name(kind, count));
    }
}

TEST_F(TrecFiles, AnItemNamedTwiceCountsTwiceWhereTheRuleSaysSo) {
  int most = 0;
  for (const auto& [query, judged] : qrels("v1-unicrs"))
    for (const auto& [item, count] : judged.relevant) most = std::max(most, count);
  EXPECT_GE(most, 2);
  for (const auto& [query, judged] : qrels("v1-kbrd"))
    for (const auto& [item, count] : judged.relevant) EXPECT_EQ(count, 1);
}

TEST_F(TrecFiles, TheInstancesGiveSuccessAndRewardOfDialogues) {
  const RunFile best = run("v2");
  std::map<std::int64_t, double> rewards;
  for (const base::Json& instance : instances())
    for (const base::Json& item : instance.at("items")) {
      if (!item.at("new").get<bool>() || item.at("liked") != true) continue;
      double& reward = rewards[instance.at("conversation").get<std::int64_t>()];
      if (rank_in(best.at(instance.at("query")), item.at("item"), {}) < 10)
        reward +=
            (item.at("seen") == false ? 1 : .5) / instance.at("recommender_turns").get<double>();
    }
  double success = 0, reward = 0;
  for (const auto& [dialogue, own] : rewards) {
    success += own > 0;
    reward += own;
  }
  EXPECT_EQ(static_cast<std::int64_t>(rewards.size()), scores_.dialogues->dialogues);
  EXPECT_NEAR(scores_.dialogues->success[2], success / static_cast<double>(rewards.size()), 1e-12);
  EXPECT_NEAR(scores_.dialogues->reward[2], reward / static_cast<double>(rewards.size()), 1e-12);
}

TEST_F(TrecFiles, TheInstancesGiveSlicesAndCoverage) {
  const RunFile best = run("v1");
  std::map<std::string, std::pair<double, double>> slices;  // hits at 10, pairs
  std::vector<std::int64_t> shown(300);                     // items of V2's lists
  for (const base::Json& instance : instances()) {
    const auto& list = best.at(instance.at("query"));
    for (const base::Json& item : instance.at("items")) {
      const auto count = item.at("frequency").get<int>();
      auto& [hits, pairs] = slices[count == 0   ? "0"
                                   : count < 6  ? "1-5"
                                   : count < 21 ? "6-20"
                                                : "21+"];
      hits += rank_in(list, item.at("item"), {}) < 10;
      ++pairs;
    }
    const auto named = instance.at("named").get<std::set<std::string>>();
    std::size_t taken = 0;
    for (const auto& [score, item] : list)
      if (taken < 10 && !named.contains(item)) {
        ++shown[std::stoul(item.substr(1))];
        ++taken;
      }
  }
  EXPECT_NEAR(scores_.lists.at("v2").coverage, metrics::coverage(shown), 1e-12);
  EXPECT_NEAR(scores_.lists.at("v2").gini, metrics::gini(shown), 1e-12);
  for (const SliceScores& slice : scores_.slices) {
    if (slice.group != "frequency" || slice.protocol != "v1") continue;
    const auto& [hits, pairs] = slices.at(slice.slice);
    EXPECT_EQ(static_cast<double>(slice.scores.pairs[2].count), pairs);
    EXPECT_NEAR(slice.scores.pairs[2].hit, hits / pairs, 1e-12) << slice.slice;
  }
}

class SmallTrecFiles : public testing::Test {
 protected:
  void write(const std::vector<std::int64_t>& frequencies) {
    examples_ = make_examples(test::pointers(dialogues_), {.frequencies = frequencies});
    test::FixedRecommender backwards(
        "fixed", [](const dialogue::State&) { return std::vector<float>{-6, -5, -4, -3, -2, -1}; });
    write_qrels(folder_.path(), examples_, catalogue_);
    write_run(folder_.path(), rank_examples(backwards, examples_, catalogue_), examples_,
              catalogue_);
  }
  std::string file(const std::string& name) { return base::read_file(folder_.path() / name); }

  dialogue::Catalogue catalogue_ = test::letters(6);
  std::vector<dialogue::Dialogue> dialogues_ = test::two_dialogues();
  Examples examples_;
  base::TemporaryFolder folder_;
};

TEST_F(SmallTrecFiles, AreWorkedOutByHand) {
  write({});
  EXPECT_EQ(file("v2/qrels.trec"), "7/1 0 101 1\n7/1 0 102 1\n7/3 0 103 1\n8/3 0 105 1\n");
  EXPECT_EQ(file("v2/fixed.trec").substr(0, 54),
            "7/1 Q0 105 1 -1.0000 fixed\n7/1 Q0 104 2 -2.0000 fixed\n");
  const RunFile run = read_run(folder_.path() / "v2/fixed.trec");
  EXPECT_EQ(run.at("7/3").size(), 3u);  // A, B, C are masked
  EXPECT_EQ(read_run(folder_.path() / "ln/fixed.trec").size(), 1u);
  // "@B or @C or @B": B twice; 8/0 opens its dialogue.
  EXPECT_EQ(file("v1-unicrs/qrels.trec").substr(0, 24), "7/1 0 101 2\n7/1 0 102 1\n");
  EXPECT_NE(file("v1-kbrd/qrels.trec").find("8/0 0 104 1\n"), std::string::npos);
}

TEST_F(SmallTrecFiles, HaveNoSampledOnesWhereTheCatalogueIsTooSmall) {
  write(std::vector<std::int64_t>(6, 1));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "v4-uniform"));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "v1-kbrd/fixed.trec"));
}

TEST_F(SmallTrecFiles, InstancesSayWhatIsKnownOfThem) {
  write({});
  EXPECT_EQ(file("instances.jsonl").substr(0, file("instances.jsonl").find('\n')),
            R"({"query":"7/1","conversation":0,"turns_before":1,"dialogue_turns":4,)"
            R"("recommender_turns":2,"items":[)"
            R"({"item":"101","new":true,"liked":true,"seen":false},)"
            R"({"item":"102","new":true,"liked":false,"seen":false}],"named":["100"]})");
}

}  // namespace
}  // namespace evaluate
