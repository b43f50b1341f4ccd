#include "experiment/curves.h"

#include <cmath>
#include <tuple>

#include <gtest/gtest.h>

#include "base/files.h"
#include "base/json.h"
#include "base/run_log.h"
#include "evaluate/scores.h"

namespace experiment {
namespace {

std::vector<CurvePoint> points(double alpha, double beta, OverOptimisation law) {
  std::vector<CurvePoint> curve = {{0, 0, .4}};
  for (double d = .25; d <= 3; d += .25)
    curve.push_back({d, d,
                     .4 + (law == OverOptimisation::best_of_n ? d * (alpha - beta * d)
                                                              : d * (alpha - beta * std::log(d)))});
  return curve;
}

TEST(Curves, TheLawsOfOverOptimisationAreFound) {
  for (const auto law : {OverOptimisation::best_of_n, OverOptimisation::reinforcement}) {
    const auto fit = fit_curve(points(.12, .05, law), law);
    ASSERT_TRUE(fit);
    EXPECT_NEAR(fit->alpha, .12, 1e-9);
    EXPECT_NEAR(fit->beta, .05, 1e-9);
    EXPECT_NEAR(fit->r2, 1, 1e-9);
  }
  EXPECT_NEAR(
      fit_curve(points(.12, .05, OverOptimisation::best_of_n), OverOptimisation::best_of_n)->peak,
      1.2, 1e-9);
  EXPECT_NEAR(
      fit_curve(points(.12, .05, OverOptimisation::reinforcement), OverOptimisation::reinforcement)
          ->peak,
      std::exp(1.4), 1e-9);
}

TEST(Curves, AGainThatOnlyGrowsHasNoPeak) {
  const auto fit =
      fit_curve(points(.1, -.01, OverOptimisation::best_of_n), OverOptimisation::best_of_n);
  EXPECT_TRUE(std::isinf(fit->peak));
}

TEST(Curves, TooFewPointsHaveNoFit) {
  auto curve = points(.1, .1, OverOptimisation::best_of_n);
  curve.resize(3);
  EXPECT_FALSE(fit_curve(curve, OverOptimisation::best_of_n));
  EXPECT_FALSE(
      fit_curve({{0, 0, 1}, {1, 0, 2}, {1, 0, 2}, {1, 0, 3}}, OverOptimisation::reinforcement));
}

// What is logged at an iteration is of the policy before its update; gold is measured after it.
TEST(Curves, GoldIsPairedWithTheNextIterationWhichBeginsWithThatPolicy) {
  base::TemporaryFolder folder;
  base::RunLog log(folder.path());
  log.write(1, {{"objective/kl", 0},
                {"item/kl", 0},
                {"objective/scores", .1},
                {"item/reward", .2},
                {"gold", .4}});
  log.write(
      2, {{"objective/kl", .75}, {"item/kl", .25}, {"objective/scores", .3}, {"item/reward", .5}});
  log.write(3, {{"objective/kl", 3},
                {"item/kl", 1},
                {"objective/scores", .5},
                {"item/reward", 1},
                {"gold", .5}});
  const auto curve = learning_curve(folder.path());
  ASSERT_EQ(curve.size(), 2u);
  EXPECT_DOUBLE_EQ(curve[0].distance, 1);
  EXPECT_DOUBLE_EQ(curve[0].proxy, .8);
  EXPECT_DOUBLE_EQ(curve[0].gold, .4);
  EXPECT_DOUBLE_EQ(curve[1].distance, 2);  // no iteration follows the last one
  EXPECT_DOUBLE_EQ(curve[1].proxy, 1.5);
  EXPECT_DOUBLE_EQ(curve[1].gold, .5);
  EXPECT_DOUBLE_EQ(best_point(curve).gold, .5);
}

TEST(Curves, GoldBeforeTheFirstUpdateIsAtTheStartModel) {
  base::TemporaryFolder folder;
  base::write_file(
      folder.path() / "metrics.jsonl",
      "{\"step\": 0, \"gold\": 0.3}\n"
      "{\"step\": 1, \"objective/kl\": 0, \"item/kl\": 0, \"item/reward\": 0.2, \"gold\": 0.4}\n"
      "{\"step\": 2, \"objective/kl\": 4, \"item/kl\": 0, \"item/reward\": 0.6}\n");
  const auto curve = learning_curve(folder.path());
  ASSERT_EQ(curve.size(), 2u);
  EXPECT_DOUBLE_EQ(curve[0].distance, 0);
  EXPECT_DOUBLE_EQ(curve[0].proxy, .2);
  EXPECT_DOUBLE_EQ(curve[0].gold, .3);
  EXPECT_DOUBLE_EQ(curve[1].distance, 2);
}

TEST(Curves, AKlMeasuredAfterTheUpdateIsOfTheSameIteration) {
  base::TemporaryFolder folder;
  base::RunLog log(folder.path());
  log.write(1, {{"objective/kl", 1},
                {"kl/taken_back", 0},
                {"item/kl", 3},
                {"item/taken_back", 0},
                {"gold", .4}});
  log.write(2, {{"objective/kl", 9}, {"kl/taken_back", 0}, {"item/kl", 9}, {"item/taken_back", 0}});
  EXPECT_DOUBLE_EQ(learning_curve(folder.path()).at(0).distance, 2);
}

TEST(Curves, MeansGoAsFarAsTheShortest) {
  const auto mean = mean_curve({{{0, 0, .4}, {1, 2, .6}}, {{0, 0, .2}, {3, 4, .4}, {9, 9, 9}}});
  ASSERT_EQ(mean.size(), 2u);
  EXPECT_DOUBLE_EQ(mean[1].distance, 2);
  EXPECT_DOUBLE_EQ(mean[1].gold, .5);
}

TEST(Curves, AReportsBestOfModelsAreOrderedByTheirNumber) {
  base::TemporaryFolder folder;
  base::Json models = base::Json::array();
  for (const auto& [name, gold, reward] :
       {std::tuple("sft", .4, 0.), {"best-of-16", .6, 2.}, {"best-of-2", .5, 1.}}) {
    evaluate::ModelScores scores;
    scores.name = name;
    scores.world = evaluate::WorldScores{.satisfaction = gold, .reward = reward};
    models.push_back(evaluate::to_json(scores));
  }
  base::write_json(folder.path() / "report.json", {{"models", models}});
  const auto curve = best_of_curve(folder.path());
  ASSERT_EQ(curve.size(), 2u);
  EXPECT_DOUBLE_EQ(curve[0].gold, .5);
  EXPECT_NEAR(curve[0].distance * curve[0].distance, std::log(2) - .5, 1e-12);
  EXPECT_DOUBLE_EQ(curve[1].proxy, 2);
}

}  // namespace
}  // namespace experiment
