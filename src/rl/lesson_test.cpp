#include "rl/lesson.h"

#include <cmath>

#include <gtest/gtest.h>

namespace rl {
namespace {

using Units = std::vector<std::vector<std::size_t>>;

Units units(const std::string& method) {
  // Two states of three replies, and one whose replies score alike.
  const std::vector<int> states = {0, 0, 0, 1, 1, 1, 2, 2};
  return learning_units(published(method), {1, 3, 2, -1, -1, 5, 4, 4}, states, states);
}

TEST(LearningUnits, AreTheRepliesThatAnAlgorithmLearnsFrom) {
  EXPECT_EQ(units("dpo"), (Units{{1, 0}, {5, 3}}));
  EXPECT_EQ(units("kto"), (Units{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(units("best_of_n"), (Units{{1}, {5}, {6}}));
  for (const char* method : {"ppo", "grpo", "rloo", "reinforce_pp", "reward_weighted", "sft"})
    EXPECT_EQ(units(method), (Units{{0, 1, 2}, {3, 4, 5}, {6, 7}})) << method;
}

// Two states whose replies lie between each other's and are compared in two groups each.
TEST(LearningUnits, HoldAStatesRepliesWhateverTheyAreComparedWith) {
  const std::vector<double> scores = {1, 2, 3, 4, 5, 6};
  const std::vector<int> groups = {0, 2, 1, 3, 1, 3}, states = {0, 1, 0, 1, 0, 1};
  const auto units_of = [&](const char* method) {
    return learning_units(published(method), scores, groups, states);
  };
  EXPECT_EQ(units_of("grpo"), (Units{{0, 2, 4}, {1, 3, 5}}));
  EXPECT_EQ(units_of("kto"), (Units{{2, 4}, {3, 5}}));  // a reply alone is above nothing
  EXPECT_EQ(units_of("best_of_n"), (Units{{0, 4}, {1, 5}}));
  EXPECT_EQ(units_of("dpo"), (Units{{4, 2}, {5, 3}}));
}

TEST(LearningUnits, JudgementsOfOnesOwnAreAllLearnedFrom) {
  AlgorithmSettings kto = published("kto");
  kto.desirable = "positive";
  EXPECT_EQ(learning_units(kto, {1, 1, -1}, {0, 1, 2}, {0, 1, 2}), (Units{{0}, {1}, {2}}));
}

// Four replies of two tokens, the first of each not learned from; two states.
ScoredReplies replies() {
  ScoredReplies replies;
  replies.scores = torch::tensor({1.f, 3.f, 0.f, -4.f});
  replies.groups = {0, 0, 1, 1};
  replies.kl = torch::tensor({{9.f, .5f}, {9.f, 1.f}, {9.f, 0.f}, {9.f, -1.f}});
  replies.learned = torch::tensor({{false, true}, {false, true}, {false, true}, {false, true}});
  replies.beta = 2;
  replies.rewards = torch::tensor({{0.f, 0.f}, {0.f, 1.f}, {0.f, 0.f}, {0.f, -2.f}});
  replies.values = torch::zeros({4, 2});
  return replies;
}

std::vector<float> learned(const torch::Tensor& x) {
  const torch::Tensor column = x.select(1, 1).contiguous();
  return {column.data_ptr<float>(), column.data_ptr<float>() + column.size(0)};
}

TEST(MakeLesson, PricesTheKlWhereTheSettingsPutIt) {
  // score - 2 KL of the learned tokens: 0, 1, 0, -2; leave one out.
  const Lesson rloo = make_lesson(published("rloo"), replies(), {});
  EXPECT_EQ(learned(rloo.advantages), (std::vector<float>{-1, 1, 2, -2}));
  EXPECT_TRUE(at::equal(rloo.advantages, rloo.normalised));
  EXPECT_FALSE(rloo.returns.defined());
  // Dr. GRPO's KL is nowhere: scores less their group's mean.
  const Lesson dr_grpo = make_lesson(published("dr_grpo"), replies(), {});
  EXPECT_EQ(learned(dr_grpo.normalised), (std::vector<float>{-1, 1, 2, -2}));
  EXPECT_EQ(dr_grpo.normalised.select(1, 0).abs().sum().item<float>(), 0);
}

TEST(MakeLesson, DividesAsTheSettingsSay) {
  const Lesson grpo = make_lesson(published("grpo"), replies(), {});
  EXPECT_NEAR(learned(grpo.normalised)[1], 1 / std::sqrt(2.), 1e-3);
  EXPECT_NEAR(learned(grpo.normalised)[3], -2 / std::sqrt(8.), 1e-3);
  EXPECT_EQ(learned(grpo.advantages)[3], -2);
  AlgorithmSettings biased = published("grpo");
  biased.variance = "biased";
  EXPECT_NEAR(learned(make_lesson(biased, replies(), {}).normalised)[1], 1, 1e-3);
  const Lesson ppo = make_lesson(published("ppo"), replies(), {1, 1});
  EXPECT_EQ(learned(ppo.advantages), (std::vector<float>{0, 1, 0, -2}));
  EXPECT_EQ(learned(ppo.returns), (std::vector<float>{0, 1, 0, -2}));
  EXPECT_NEAR(ppo.normalised.sum().item<float>(), 0, 1e-5);
  AlgorithmSettings plain = published("ppo");
  plain.advantage_scale = "none";
  EXPECT_EQ(learned(make_lesson(plain, replies(), {1, 1}).normalised),
            (std::vector<float>{0, 1, 0, -2}));
}

TEST(MakeLesson, JudgesAndWeighsWithinGroups) {
  const Lesson kto = make_lesson(published("kto"), replies(), {});
  EXPECT_TRUE(at::equal(kto.desirable, torch::tensor({false, true, true, false})));
  const Lesson weighted = make_lesson(published("reward_weighted"), replies(), {});
  EXPECT_NEAR((weighted.weights[0] + weighted.weights[1]).item<float>(), 2, 1e-5);
  EXPECT_NEAR((weighted.weights[1] / weighted.weights[0]).item<float>(), std::exp(2.), 1e-4);
  EXPECT_TRUE(at::equal(make_lesson(published("sft"), replies(), {}).weights, torch::ones({4})));
}

TEST(MakeLesson, SaysWhatKtoDesires) {
  AlgorithmSettings kto = published("kto");  // scores 1, 3 to one state and 0, -4 to another
  const auto desirable = [&] {
    const torch::Tensor found = make_lesson(kto, replies(), {}).desirable.contiguous();
    return std::vector<bool>(found.data_ptr<bool>(), found.data_ptr<bool>() + 4);
  };
  EXPECT_EQ(desirable(), (std::vector<bool>{false, true, true, false}));
  kto.desirable = "positive";
  EXPECT_EQ(desirable(), (std::vector<bool>{true, true, false, false}));
}

}  // namespace
}  // namespace rl
