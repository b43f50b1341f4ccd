#include "reward/sparse_linear.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace reward {
namespace {

TEST(SparseLinear, LearnsWordsAndComesBackFromJson) {
  std::vector<LinearExample> examples;
  for (int i = 0; i < 60; ++i)
    examples.push_back({ngram_features({i % 2 ? "great" : "awful", "film"}), i % 2 ? 1. : 0., 1});
  const SparseLinear model(examples, {});
  EXPECT_GT(model.probability(ngram_features({"great", "film"})), .9);
  EXPECT_LT(model.probability(ngram_features({"awful", "film"})), .1);
  const SparseLinear back = SparseLinear::from_json(model.to_json(), "test");
  EXPECT_EQ(back.score(ngram_features({"great"})), model.score(ngram_features({"great"})));
  EXPECT_THROW(SparseLinear::from_json({{"bias", 1.}}, "test"), base::DataError);
}

TEST(SparseLinear, CalibrationTurnsBoldLogitsIntoShares) {
  // Logits of +-4 that are right three times out of four.
  SparseLinear model({{{{"x", 1.}}, 1, 1}}, {.min_count = 1});
  std::vector<double> logits, outcomes;
  for (int i = 0; i < 400; ++i) {
    logits.push_back(i % 2 ? 4 : -4);
    outcomes.push_back((i % 2) == (i % 8 < 6) ? 1 : 0);
  }
  model.calibrate(logits, outcomes);
  EXPECT_NEAR(model.calibrated(4), .75, .02);
  EXPECT_NEAR(model.calibrated(-4), .25, .02);
}

}  // namespace
}  // namespace reward
