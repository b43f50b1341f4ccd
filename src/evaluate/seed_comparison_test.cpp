#include "evaluate/seed_comparison.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "evaluate/report.h"
#include "evaluate/seed_report.h"
#include "evaluate/test_evaluation.h"

namespace evaluate {
namespace {

const std::vector<Declared> kDeclared = {{"v2", "hr@10", "ppo", "sft", true},
                                         {"v1", "ndcg@10", "ppo", "sft"},
                                         {"v2", "hr@10", "ppo", "absent"}};

class SeedComparisons : public testing::Test {
 protected:
  // A run whose ppo lifts the items of even numbers by so much.
  FinishedRun add(const std::string& name, std::int64_t seed, float lift) {
    test::write_evaluation(folder_.path() / name, static_cast<std::uint64_t>(seed), lift);
    return {name, seed, "tiny", {{"lift", lift}}, folder_.path() / name};
  }
  RunsComparison compare(const std::vector<FinishedRun>& runs) {
    return compare_runs(runs, kDeclared, {.resamples = 500});
  }
  double reported(const std::string& run, const std::string& model, const std::string& metric) {
    for (const ModelScores& scores : read_report_models(folder_.path() / run / "report.json"))
      if (scores.name == model) return *find_score(scores, "v2", metric);
    return NAN;
  }

  base::TemporaryFolder folder_;
};

TEST_F(SeedComparisons, ScoresAreMeansOfTheRunsReports) {
  const RunsComparison found = compare({add("a", 1, 1), add("b", 2, 1), add("c", 3, 1)});
  ASSERT_EQ(found.variants.size(), 1u);
  EXPECT_EQ(found.scores.size(), 5u * 2 * 6);
  bool seen = false;
  for (const SeedScore& score : found.scores) {
    EXPECT_LE(score.over_seeds.interval.low, score.over_seeds.interval.estimate);
    EXPECT_GE(score.over_seeds.interval.high, score.over_seeds.interval.estimate);
    if (score.model != "ppo" || score.protocol != "v2" || score.metric != "hr@5") continue;
    seen = true;
    const std::vector<double> means = {reported("a", "ppo", "hr@5"), reported("b", "ppo", "hr@5"),
                                       reported("c", "ppo", "hr@5")};
    for (std::size_t run = 0; run < 3; ++run)
      EXPECT_NEAR(score.over_seeds.means[run], means[run], 1e-12);
    EXPECT_NEAR(score.over_seeds.interval.estimate, (means[0] + means[1] + means[2]) / 3, 1e-12);
  }
  EXPECT_TRUE(seen);
}

TEST_F(SeedComparisons, ModelsOfOneRunAreComparedRunByRun) {
  const RunsComparison found = compare({add("a", 1, 1), add("b", 2, 1)});
  ASSERT_EQ(found.differences.size(), 2u);  // "absent" has no files
  const SeedDifference& first = found.differences[0];
  const double a = reported("a", "ppo", "hr@10") - reported("a", "sft", "hr@10"),
               b = reported("b", "ppo", "hr@10") - reported("b", "sft", "hr@10");
  EXPECT_NEAR(first.row.difference, (a + b) / 2, 1e-12);
  EXPECT_NEAR(first.deviation, std::abs(a - b) / std::sqrt(2), 1e-12);
  EXPECT_EQ(first.seeds, 2u);
  EXPECT_TRUE(first.row.primary);
  EXPECT_GT(*first.row.error, 0);
  EXPECT_NEAR(first.seed_share, (a - b) * (a - b) / 4 / (*first.row.error * *first.row.error),
              1e-9);
  EXPECT_GE(*first.row.p_holm, first.row.p);
}

TEST_F(SeedComparisons, VariantsAreComparedWithTheFirst) {
  const RunsComparison found =
      compare({add("a", 1, 0), add("b", 1, 9), add("c", 2, 0), add("d", 2, 9), add("e", 3, 9)});
  ASSERT_EQ(found.variants.size(), 2u);
  ASSERT_EQ(found.differences.size(), 5u);  // two in each, and the primary one between them
  const SeedDifference& between = found.differences.back();
  EXPECT_EQ(between.variant, "lift=9.0");
  EXPECT_EQ(between.against_variant, "lift=0.0");
  EXPECT_EQ(between.row.model, "ppo");
  EXPECT_EQ(between.row.against, "ppo");
  EXPECT_EQ(between.seeds, 3u);
  EXPECT_EQ(between.against_seeds, 2u);
  const double nine = (reported("b", "ppo", "hr@10") + reported("d", "ppo", "hr@10") +
                       reported("e", "ppo", "hr@10")) /
                      3,
               none = (reported("a", "ppo", "hr@10") + reported("c", "ppo", "hr@10")) / 2;
  EXPECT_NEAR(between.row.difference, nine - none, 1e-12);
}

TEST_F(SeedComparisons, OtherInstancesAreRefusedAndSaid) {
  const FinishedRun first = add("a", 1, 1), other = add("b", 2, 1);
  auto dialogues = test::many_dialogues();
  dialogues.pop_back();
  test::write_evaluation(other.evaluation, 2, 1, dialogues);
  try {
    compare({first, other});
    FAIL();
  } catch (const base::DataError& error) {
    const std::string said = error.what();
    EXPECT_TRUE(said.starts_with(
        other.evaluation.string() + ": evaluated on other instances than " +
        first.evaluation.string() + ": of 80 pairs in v1/qrels.trec it lacks 2 and has 0 others"))
        << said;
    EXPECT_NE(said.find("data.split"), std::string::npos);
  }
}

TEST_F(SeedComparisons, OtherConversationsAreRefused) {
  const FinishedRun first = add("a", 1, 1), other = add("b", 2, 1);
  std::string instances = base::read_file(other.evaluation / "instances.jsonl");
  const std::string from = "\"conversation\":3,";
  base::write_file(other.evaluation / "instances.jsonl",
                   instances.replace(instances.find(from), from.size(), "\"conversation\":4,"));
  EXPECT_THROW(compare({first, other}), base::DataError);
}

TEST_F(SeedComparisons, ACutoffBeyondTheListsIsRefused) {
  const std::vector<FinishedRun> runs = {add("a", 1, 1), add("b", 2, 1)};
  EXPECT_THROW(compare_runs(runs, {{"v2", "hr@101", "ppo", "sft"}}), base::UsageError);
  EXPECT_EQ(
      compare_runs(runs, {{"v2", "hr@100", "ppo", "sft"}}, {.resamples = 10}).differences.size(),
      1u);
}

TEST_F(SeedComparisons, FewSeedsAreWarnedOf) {
  const RunsComparison found = compare({add("a", 1, 1), add("b", 2, 1), add("c", 1, 2)});
  ASSERT_EQ(found.warnings.size(), 2u);
  EXPECT_NE(found.warnings[0].find("2 seeds"), std::string::npos);
  EXPECT_NE(found.warnings[0].find("2.00 times too small"), std::string::npos);
  EXPECT_NE(found.warnings[1].find("one seed"), std::string::npos);
}

TEST_F(SeedComparisons, TheFindingGoesByThePValueOfAllRows) {
  SeedDifference difference;
  difference.variant = difference.against_variant = "tiny";
  difference.seeds = difference.against_seeds = 5;
  difference.row = {.protocol = "v2",
                    .metric = "hr@5",
                    .model = "ppo",
                    .against = "sft",
                    .difference = .0125,
                    .low = .01,
                    .high = .015,
                    .p = .02,
                    .p_holm = .04,
                    .n = 80,
                    .clusters = 40};
  EXPECT_EQ(finding(difference),
            "ppo is better than sft in HR@5 in V2 (tiny): +1.25 points (95 % interval +1.00 to "
            "+1.50; p 0.040 after Holm's correction; 5 seeds, 80 pairs, 40 dialogues).");
  difference.row.p_holm = .06;
  EXPECT_TRUE(finding(difference).starts_with("No difference was shown between ppo and sft in"));
  difference.row.p_holm = .04;
  difference.row.difference = -.0125;
  difference.row.against = "ppo";
  difference.against_variant = "paper";
  EXPECT_TRUE(finding(difference).starts_with("ppo of tiny is worse than ppo of paper in HR@5"));
}

TEST_F(SeedComparisons, TheReportHasAllOfIt) {
  const RunsComparison found =
      compare({add("a", 1, 0), add("b", 2, 0), add("<b>&", 1, 9), add("d", 2, 9)});
  const std::filesystem::path out = folder_.path() / "out";
  write_comparison(out, found);
  const base::Json json = base::read_json(out / "report.json");
  EXPECT_EQ(json.at("schema"), "attune.comparison/1");
  EXPECT_EQ(json.at("variants").size(), 2u);
  EXPECT_EQ(json.at("scores").size(), found.scores.size());
  EXPECT_EQ(json.at("scores")[0].at("values").size(), 2u);
  EXPECT_EQ(json.at("comparisons").size(), 5u);
  const std::string page = base::read_file(out / "report.html");
  EXPECT_NE(page.find("&lt;b&gt;&amp;"), std::string::npos);
  EXPECT_EQ(page.find("<b>&"), std::string::npos);
  for (const char* table :
       {"comparisons", "power", "v2-means", "v2-deviations", "runs", "settings"})
    EXPECT_TRUE(std::filesystem::exists(out / "tables" / (std::string(table) + ".csv"))) << table;
}

}  // namespace
}  // namespace evaluate
