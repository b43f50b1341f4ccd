#include "rl/group_advantages.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "rl/test_rows.h"

namespace rl {
namespace {

using namespace testing;

const torch::Tensor kFour = torch::tensor({1.f, 2.f, 3.f, 6.f});
const std::vector<int> kOne = {0, 0, 0, 0};

TEST(Rloo, TakesTheMeanOfTheOthers) {
  expect_near(rloo_advantages(kFour, kOne), {-2.666667, -1.333333, 0, 4});
}

TEST(Rloo, HasThePublishedBaselinesWithinMixedGroups) {
  const std::vector<double> scores = {1, 0, 2, -3, 5, 7, -1, 0},
                            baselines = {2. / 3, 1, 3, 2, -2. / 3, .5, 4.5};
  std::vector<double> expected;
  for (std::size_t i = 0; i < 7; ++i) expected.push_back(scores[i] - baselines[i]);
  expected.push_back(0);  // does not take part
  expect_near(rloo_advantages(torch::tensor(scores), {4, 4, 9, 4, 4, 9, 9, 9},
                              torch::tensor({1, 1, 1, 1, 1, 1, 1, 0}).to(torch::kBool)),
              expected);
}

TEST(Rloo, AReplyAloneHasNoAdvantage) {
  expect_near(rloo_advantages(torch::tensor({5.f, 1.f, 3.f}), {1, 2, 2}), {0, -2, 2});
  expect_near(
      rloo_advantages(torch::tensor({5.f, 9.f}), {1, 1}, torch::tensor({1, 0}).to(torch::kBool)),
      {0, 0});
}

TEST(Grpo, HasThePublishedValues) {
  expect_near(grpo_advantages(kFour, kOne), {-.92578, -.46289, 0, 1.38867});
  expect_near(grpo_advantages(kFour, kOne, {.spread = Spread::biased, .epsilon = 0}),
              {-1.06904, -.53452, 0, 1.60357});
  expect_near(grpo_advantages(kFour, kOne, {.spread = Spread::biased}),
              {-1.06899, -.53449, 0, 1.60348});
  expect_near(grpo_advantages(kFour, kOne, {.scale = GroupScale::none}), {-2, -1, 0, 3});
  expect_near(grpo_advantages(torch::tensor({1.f, 0.f}), {0, 0}), {.7071, -.7071}, 1e-4);
}

TEST(Grpo, EachGroupHasItsOwnMeanAndDeviationOrTheBatchsDeviation) {
  // Groups 0 2 and 10 16: means 1 and 13; deviations sqrt 2 and sqrt 18, of all four sqrt(164 / 3).
  const torch::Tensor scores = torch::tensor({0.f, 10.f, 2.f, 16.f});
  const std::vector<int> groups = {0, 1, 0, 1};
  expect_near(grpo_advantages(scores, groups, {.epsilon = 0}),
              {-.707107, -.707107, .707107, .707107});
  expect_near(grpo_advantages(scores, groups, {.scale = GroupScale::batch, .epsilon = 0}),
              {-.135250, -.405751, .135250, .405751});
}

TEST(Grpo, GroupsWithoutSpreadTeachNothing) {
  const torch::Tensor scores = torch::tensor({.1f, .1f, .1f, 1.f, 2.f, 5.f});
  const std::vector<int> groups = {0, 0, 0, 1, 1, 2};
  const torch::Tensor advantages = grpo_advantages(scores, groups);
  expect_near(advantages.narrow(0, 0, 3), {0, 0, 0}, 1e-9);
  expect_near(advantages.narrow(0, 5, 1), {0});
}

TEST(Grpo, RepliesThatTakeNoPartChangeNobodysAdvantage) {
  const torch::Tensor counts = torch::tensor({1, 1, 0, 1}).to(torch::kBool);
  for (const float score : {0.f, 1e6f, static_cast<float>(NAN)})
    for (const GroupScale scale : {GroupScale::group, GroupScale::batch}) {
      // 1 2 6: mean 3, deviation sqrt 7
      expect_near(grpo_advantages(torch::tensor({1.f, 2.f, score, 6.f}), kOne,
                                  {.scale = scale, .epsilon = 0}, counts),
                  {-.755929, -.377964, 0, 1.133893});
    }
}

TEST(ReinforcePpBaseline, CentresByGroupAndWhitensOverAllTokens) {
  // Centred scores -1 1 | -3 3 at 2 1 1 2 tokens: -1 -1 1 -3 3 3, mean 1/3, variance 88/15.
  const torch::Tensor mask = at::cat({bits({1, 1}), bits({1, 0}), bits({1, 0}), bits({1, 1})});
  expect_near(
      reinforce_pp_baseline_advantages(torch::tensor({0.f, 2.f, 10.f, 16.f}), {0, 0, 1, 1}, mask),
      {-.550482, -.550482, .275241, 0, -1.376206, 0, 1.100964, 1.100964});
}

TEST(ReinforcePpBaseline, ARepliesScoreWithoutATokenDoesNotCount) {
  const torch::Tensor mask = at::cat({bits({1, 1}), bits({1, 1}), bits({0, 0})});
  expect_near(reinforce_pp_baseline_advantages(torch::tensor({0.f, 2.f, 1e5f}), {0, 0, 0}, mask),
              {-.866025, -.866025, .866025, .866025, 0, 0});
}

TEST(OverTokens, GivesEachTokenItsRepliesAdvantageWithoutGradient) {
  const torch::Tensor advantages = torch::tensor({2.f, -1.f}).set_requires_grad(true);
  const torch::Tensor wide = over_tokens(advantages, at::cat({bits({1, 1, 0}), bits({0, 1, 0})}));
  expect_near(wide, {2, 2, 0, 0, -1, 0});
  EXPECT_FALSE(wide.requires_grad());
}

TEST(GroupAdvantages, RefuseSizesThatDiffer) {
  EXPECT_THROW(rloo_advantages(kFour, {0, 0}), base::Error);
  EXPECT_THROW(grpo_advantages(kFour, kOne, {}, torch::ones({2}, torch::kBool)), base::Error);
  EXPECT_THROW(over_tokens(kFour, bits({1, 1})), base::Error);
}

}  // namespace
}  // namespace rl
