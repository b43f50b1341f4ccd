#include "rl/rollout.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "rl/test_training.h"

namespace rl {
namespace {

using testing::share_below;
using testing::small;
using testing::Training;

std::int64_t last_masked(const torch::Tensor& mask_row) {
  return mask_row.nonzero().max().item<std::int64_t>();
}

TEST(Rollout, ARepliesRewardsAreItsScoreOnTheLastChosenTokenLessThePriceOfItsKl) {
  Training training(small());
  for (int iteration = 1; iteration <= 3; ++iteration) {
    const double beta = training.trainer.beta();
    const Rollout rollout = training.prepare(share_below(60));
    const torch::Tensor k1 = (rollout.log_probs - rollout.reference) * rollout.mask;
    const torch::Tensor score = rollout.rewards + beta * k1;
    for (std::int64_t b = 0; b < rollout.rewards.size(0); ++b) {
      const double expected = rollout.scores[static_cast<std::size_t>(b)];
      EXPECT_NEAR(rollout.rewards[b].sum().item<double>(),
                  expected - beta * k1[b].sum().item<double>(), 1e-5);
      EXPECT_NEAR(score[b][last_masked(rollout.mask[b])].item<double>(), expected, 1e-5);
      EXPECT_NEAR(score[b].abs().sum().item<double>(), std::abs(expected), 1e-5);
    }
    EXPECT_NEAR(rollout.kl, k1.sum(1).mean().item<double>(), 1e-5);
    EXPECT_EQ(rollout.kl == 0, iteration == 1);
    EXPECT_NEAR(
        rollout.kl_k3,
        (kl_k3(rollout.log_probs, rollout.reference) * rollout.mask).sum(1).mean().item<double>(),
        1e-5);
    EXPECT_NEAR(rollout.non_score, -beta * rollout.kl, 1e-6);
    EXPECT_LT(rollout.mismatch.log_prob, 1e-5);
    training.trainer.update(rollout, 5e-3, training.place());
  }
}

TEST(Rollout, TheScoreOfAReplyCutAfterItsItemStandsOnTheMode) {
  Training training(small());
  training.iteration = 1;
  std::vector<Episode> episodes = training.sample();
  std::vector<double> scores;
  for (Episode& episode : episodes) {
    if (episode.has_item) {
      episode.tokens.resize(2);
      episode.sampled_log_probs.resize(2);
    }
    scores.push_back(static_cast<double>(scores.size()));
  }
  const Rollout rollout =
      training.trainer.prepare(std::move(episodes), std::move(scores), training.place());
  int cut = 0;
  for (std::size_t b = 0; b < rollout.episodes.size(); ++b) {
    if (!rollout.episodes[b].has_item) continue;
    cut += 1;
    const torch::Tensor row = rollout.rewards[static_cast<std::int64_t>(b)];
    EXPECT_NEAR(row[0].item<double>(), rollout.scores[b], 1e-5);
    EXPECT_NEAR(row.abs().sum().item<double>(), std::abs(rollout.scores[b]), 1e-5);
  }
  EXPECT_GT(cut, 0);
}

TEST(Rollout, WhatIsNotLearnedHasNoReward) {
  Training training(testing::small("rloo"));  // the mode has a KL, but is not learned
  training.train(2, share_below(60));
  const Rollout rollout = training.prepare(share_below(60));
  EXPECT_GT((rollout.log_probs - rollout.reference).select(1, 0).abs().max().item<double>(), 0);
  EXPECT_EQ(rollout.rewards.masked_select(rollout.learned.logical_not()).abs().sum().item<double>(),
            0);
}

TEST(Rollout, AMissingEndMayHaveAFixedScore) {
  RlSettings settings = small();
  settings.missing_end = "fixed";
  settings.missing_end_penalty = 1.5;
  Training training(settings);
  training.iteration = 1;
  std::vector<Episode> episodes = training.sample();
  episodes[0].action.ended = false;
  episodes[1].action.ended = true;
  RunningMoments moments;
  const Rollout rollout =
      with_scores(begin_rollout(episodes, std::vector<double>(episodes.size(), 7), {}, settings),
                  settings, moments);
  EXPECT_EQ(rollout.scores[0], -1.5);
  EXPECT_EQ(rollout.scores[1], rollout.scaled_scores[1]);
}

TEST(Rollout, AMissingEndCostsItsPenaltyAfterScaling) {
  for (const bool learn_mode : {false, true}) {
    RlSettings settings = small();
    settings.learn_mode = learn_mode;
    settings.missing_end_penalty = 1.5;
    Training training(settings);
    training.iteration = 1;
    std::vector<Episode> episodes = training.sample();
    std::vector<double> raw;
    std::vector<int> modes;
    for (std::size_t b = 0; b < episodes.size(); ++b) {
      episodes[b].action.ended = b % 3 != 0;
      raw.push_back(static_cast<double>(b % 5));
      modes.push_back(episodes[b].action.recommends);
    }
    RunningMoments moments;
    std::vector<double> penalised = scale_scores(raw, settings.score_clip, moments);
    for (std::size_t b = 0; b < episodes.size(); ++b) penalised[b] -= b % 3 != 0 ? 0 : 1.5;
    const std::vector<double> expected =  // no KL yet: the price of the words is 0
        learn_mode ? penalised : centered_by_group(penalised, modes);
    const Rollout rollout = training.trainer.prepare(episodes, raw, training.place());
    for (std::size_t b = 0; b < episodes.size(); ++b)
      EXPECT_NEAR(rollout.scores[b], expected[b], 1e-12);
  }
}

TEST(Rollout, WhatFollowsAModeIsWorthTheSameForBothUnlessItIsToBeLearned) {
  RlSettings settings = small();
  settings.beta = .5;
  Training training(settings);
  training.train(4, share_below(60));
  const Rollout rollout = training.prepare(share_below(60));
  EXPECT_GT(rollout.kl, 0);
  std::map<bool, std::pair<double, int>> following;
  for (std::size_t b = 0; b < rollout.episodes.size(); ++b) {
    auto& [sum, count] = following[rollout.episodes[b].action.recommends];
    const torch::Tensor row = rollout.rewards[static_cast<std::int64_t>(b)];
    sum += row.narrow(0, 1, row.size(0) - 1).sum().item<double>();
    count += 1;
  }
  ASSERT_EQ(following.size(), 2u);
  for (const auto& [mode, total] : following) EXPECT_NEAR(total.first / total.second, 0, 1e-5);
}

// A KL that is not in the reward leaves the score alone there.
TEST(Rollout, TheKlIsInTheRewardOnlyWhereTheSettingsPutIt) {
  for (const char* method : {"rloo", "dr_grpo"}) {
    Training training(small(method));
    training.train(2, share_below(60));
    const Rollout rollout = training.prepare(share_below(60));
    EXPECT_NE(rollout.kl, 0);
    EXPECT_EQ(rollout.non_score != 0, method == std::string("rloo")) << method;
  }
}

TEST(Rollout, ComparesOnlyRepliesOfOneModeUnlessTheModeIsLearned) {
  for (const bool learn_mode : {false, true}) {
    RlSettings settings = small("dpo");
    settings.learn_mode = learn_mode;
    Training training(settings);
    // Whoever recommends scores more.
    const Rollout rollout = training.prepare(
        [](const Episode& episode) { return episode.has_item + share_below(60)(episode); });
    int mixed = 0;
    for (const auto& pair : rollout.units)
      mixed += rollout.episodes[pair[0]].has_item != rollout.episodes[pair[1]].has_item;
    EXPECT_EQ(mixed > 0, learn_mode);
    EXPECT_GT(rollout.units.size(), 2u);
  }
}

// Then their prompt is worked out once.
TEST(Rollout, RepliesToOneStateStayInOneMinibatch) {
  for (const char* method : {"ppo", "grpo", "rloo", "kto", "reward_weighted"}) {
    RlSettings settings = small();
    static_cast<AlgorithmSettings&>(settings) = published(method);
    Training training(settings);
    const Rollout rollout = training.prepare(share_below(60));
    std::map<int, std::size_t> home;  // the minibatch of a state
    for (std::size_t m = 0; m < rollout.first_minibatches.size(); ++m) {
      EXPECT_LE(rollout.first_minibatches[m].size(), 32u);
      for (std::size_t reply : rollout.first_minibatches[m])
        EXPECT_EQ(home.emplace(rollout.states[reply], m).first->second, m) << method;
    }
    EXPECT_GE(rollout.first_minibatches.size(), 2u);
  }
}

TEST(Rollout, KtosMinibatchesAlwaysHoldRepliesToOtherStates) {
  RlSettings settings = small();
  static_cast<AlgorithmSettings&>(settings) = published("kto");
  settings.minibatch = 16;  // a state has 10 or 11 replies
  Training training(settings);
  const Rollout rollout = training.prepare(share_below(60));
  for (const std::vector<std::size_t>& chosen : rollout.first_minibatches) {
    if (chosen.size() < 4) continue;  // what was left over
    EXPECT_TRUE(std::any_of(chosen.begin(), chosen.end(), [&](std::size_t reply) {
      return rollout.states[reply] != rollout.states[chosen[0]];
    }));
  }
}

}  // namespace
}  // namespace rl
