#include "rl/best_of_n.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "base/error.h"

namespace rl {
namespace {

TEST(BestOfN, KlHasThePublishedValues) {
  EXPECT_EQ(best_of_n_kl(1), 0);
  EXPECT_NEAR(best_of_n_kl(2), .193147, 1e-6);
  EXPECT_NEAR(best_of_n_kl(4), .636294, 1e-6);
  EXPECT_NEAR(best_of_n_kl(16), 1.835089, 1e-6);
  EXPECT_NEAR(best_of_n_kl(64), 3.174508, 1e-6);
  EXPECT_THROW(best_of_n_kl(0), base::UsageError);
}

// Eight tokens out of sixteen each; the score is how many are token 0.
struct Toy {
  std::vector<double> values, probabilities;
  Toy() {
    for (int k = 0; k <= 8; ++k) {
      values.push_back(k);
      probabilities.push_back(std::exp(std::lgamma(9) - std::lgamma(k + 1) - std::lgamma(9 - k)) *
                              std::pow(1 / 16., k) * std::pow(15 / 16., 8 - k));
    }
  }
};

TEST(BestOfN, ScoreIsExactForAKnownDistribution) {
  const Toy toy;
  const std::vector<std::pair<int, double>> expected = {
      {1, .5}, {4, 1.21842}, {16, 1.93216}, {64, 2.55383}, {256, 3.14933}};
  for (const auto& [n, score] : expected)
    EXPECT_NEAR(best_of_n_score(toy.values, toy.probabilities, n), score, 1e-5) << n;
  EXPECT_NEAR(best_of_n_score({5, 1}, {.25, .75}, 2), 5 * .4375 + .5625, 1e-12);  // in any order
}

TEST(BestOfN, KlIsABoundThatEqualScoresStayBelow) {
  const Toy toy;
  for (const int n : {2, 4, 16}) {
    double below = 0, kl = 0;
    for (const double p : toy.probabilities) {
      const double best = std::pow(below + p, n) - std::pow(below, n);
      if (best > 0) kl += best * std::log(best / p);
      below += p;
    }
    EXPECT_LT(kl, best_of_n_kl(n));
  }
}

TEST(BestOfN, ScoreFromSamplesIsTheMeanOverAllChoices) {
  // Pairs of 1 2 4: best 2 4 4.
  EXPECT_NEAR(best_of_n_score({4, 1, 2}, 2), 10. / 3, 1e-12);
  EXPECT_NEAR(best_of_n_score({4, 1, 2}, 1), 7. / 3, 1e-12);
  EXPECT_NEAR(best_of_n_score({4, 1, 2}, 3), 4, 1e-12);
  EXPECT_NEAR(best_of_n_score(std::vector<double>(1000, 2.5), 64), 2.5, 1e-9);
  EXPECT_THROW(best_of_n_score({4, 1, 2}, 4), base::UsageError);
  EXPECT_THROW(best_of_n_score({4, 1, 2}, 0), base::UsageError);
}

TEST(SelectBest, TakesTheFirstLargestOfEachGroup) {
  EXPECT_EQ(select_best({1, 5, 3, 5, 2, -1}, {7, 4, 7, 4, 7, 9}),
            (std::vector<std::size_t>{2, 1, 5}));
  EXPECT_TRUE(select_best({}, {}).empty());
  EXPECT_THROW(select_best({1}, {}), base::Error);
}

}  // namespace
}  // namespace rl
