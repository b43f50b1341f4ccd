#include "experiment/toy_theory.h"

#include <cmath>

#include <gtest/gtest.h>

namespace experiment {
namespace {

TEST(ToyTheory, TheOptimumIsTheTiltedReference) {
  const struct {
    double beta, p, score, kl;
  } known[] = {{1, .153417, 1.22733, .41127},
               {.5, .330030, 2.64024, 2.59261},
               {.3, .651419, 5.21135, 9.45640},
               {.2, .908208, 7.26567, 17.73878},
               {.1, .999319, 7.99456, 22.12082}};
  for (const auto& [beta, p, score, kl] : known) {
    const ToyPoint best = toy_optimum({}, beta);
    EXPECT_NEAR(best.p, p, 1e-6);
    EXPECT_NEAR(best.score, score, 1e-5);
    EXPECT_NEAR(best.kl, kl, 1e-5);
    for (const double away : {-.01, .01}) {
      if (p + away >= 1) continue;
      const ToyPoint other = toy_point({}, p + away);
      EXPECT_LT(other.score - beta * other.kl, best.score - beta * best.kl);
    }
  }
}

TEST(ToyTheory, DividedByTheirDeviationScoresEndElsewhere) {
  EXPECT_NEAR(toy_fixed_point({}, .3).score, 3.36412, 1e-4);
  EXPECT_NEAR(toy_fixed_point({}, .3).kl, 4.18285, 1e-4);
  EXPECT_NEAR(toy_fixed_point({}, .5).score, 2.02528, 1e-4);
  EXPECT_NEAR(toy_fixed_point({}, 1).score, 1.21272, 1e-4);
  EXPECT_EQ(toy_fixed_point({}, .2).p, 0);  // runs away
}

TEST(ToyTheory, AnAdaptivePriceRestsWhereTheOptimumHasItsKl) {
  const double beta = toy_beta_of({}, 6);
  EXPECT_NEAR(beta, .364415, 1e-6);
  EXPECT_NEAR(toy_optimum({}, beta).score, 4.07214, 1e-5);
}

TEST(ToyTheory, TheReferencesScoresAreBinomial) {
  const ToyScores scores = toy_scores({});
  double sum = 0, mean = 0;
  for (std::size_t i = 0; i < scores.values.size(); ++i) {
    sum += scores.probabilities[i];
    mean += scores.values[i] * scores.probabilities[i];
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_NEAR(mean, .5, 1e-12);
}

}  // namespace
}  // namespace experiment
