#include "rl/score_scaling.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

namespace rl {
namespace {

TEST(RunningMoments, AgreeWithTheWholeStream) {
  RunningMoments moments;
  std::vector<double> range(100), ones(100, 1.), powers;
  std::iota(range.begin(), range.end(), 0.);
  for (int i = 0; i < 10; ++i) powers.push_back(std::exp(i));
  for (const std::vector<double>& batch : {range, ones, powers, {-10, -1, 0, 1, 10}})
    moments.add(batch);
  EXPECT_EQ(moments.count(), 215);
  EXPECT_NEAR(moments.mean(), 83.108409537, 1e-6);
  EXPECT_NEAR(moments.deviation(), 591.136075191, 1e-6);
  RunningMoments back;
  back.from_json(moments.to_json());
  EXPECT_EQ(back.deviation(), moments.deviation());
}

TEST(StandardScores, TakeTheRunningMeanOffFirst) {
  RunningMoments moments;
  standard_scores({0, 4}, 5, moments);
  const std::vector<double> scores = standard_scores({2, 6}, 1, moments);  // of 0, 4, 2, 6: mean 3
  EXPECT_NEAR(scores[0], -1 / moments.deviation(), 1e-12);
  EXPECT_EQ(scores[1], 1);  // 3 / 2.58, held at 1
}

TEST(ScaleScores, DividesByTheDeviationAndClipsTheScoreOnly) {
  RunningMoments moments;
  const std::vector<double> scaled = scale_scores({1, 3, 100}, 1.5, moments);  // deviation 56.60
  EXPECT_NEAR(scaled[0], 1 / moments.deviation(), 1e-12);
  EXPECT_EQ(scaled[2], 1.5);
}

TEST(CenteredByGroup, LeavesTheDifferencesInsideAGroup) {
  EXPECT_EQ(centered_by_group({1, 5, 3, 9}, {0, 1, 0, 1}), (std::vector<double>{-1, -2, 1, 2}));
  EXPECT_EQ(centered_by_group({7}, {3}), std::vector<double>{0});
}

}  // namespace
}  // namespace rl
