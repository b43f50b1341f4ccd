#include "rl/algorithm.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/settings.h"

namespace rl {
namespace {

// What check_algorithm says; empty where it says nothing.
std::string refusal(const AlgorithmSettings& settings) {
  try {
    check_algorithm(settings);
    return "";
  } catch (const base::UsageError& error) {
    return error.what();
  }
}

// A published method with one "key=value" after the other changed.
AlgorithmSettings with(const std::string& method, const std::vector<std::string>& changes) {
  AlgorithmSettings settings = published(method);
  for (const std::string& change : changes)
    base::override_setting(base::list_settings(settings), change);
  return settings;
}

void expect_refused(const std::string& method, const std::vector<std::string>& changes,
                    const std::string& reason) {
  const std::string said = refusal(with(method, changes));
  EXPECT_NE(said.find(reason), std::string::npos)
      << method << " with " << changes.front() << " says: " << said;
}

void expect_allowed(const std::string& method, const std::vector<std::string>& changes) {
  EXPECT_EQ(refusal(with(method, changes)), "") << method << " with " << changes.front();
}

TEST(CheckAlgorithm, ACriticIsOfPpoAndItsStepSizeOfOneThatLearnsByItself) {
  expect_allowed("ppo", {"critic=apart", "critic_warmup=3", "critic_learning_rate=1e-3"});
  expect_allowed("ppo", {"critic_warmup=3", "critic_learning_rate=1e-3"});
  expect_refused("ppo", {"critic=elsewhere"}, "must be one of trunk, apart");
  expect_refused("ppo", {"critic_warmup=-1"}, "0 or more");
  expect_refused("ppo", {"critic=apart", "critic_learning_rate=-1e-3"}, "0 or more");
  expect_refused("ppo", {"critic_learning_rate=1e-3"}, "take their steps together");
  for (const char* method : {"grpo", "rloo", "reinforce_pp", "dpo", "sft"})
    for (const char* change : {"critic=apart", "critic_warmup=2", "critic_learning_rate=1e-3"})
      expect_refused(method, {change}, "only ppo has one");
}

TEST(Algorithm, NamesReadBack) {
  for (const Algorithm a :
       {Algorithm::ppo, Algorithm::grpo, Algorithm::rloo, Algorithm::reinforce_pp, Algorithm::dpo,
        Algorithm::kto, Algorithm::best_of_n, Algorithm::reward_weighted, Algorithm::sft})
    EXPECT_EQ(algorithm_named(name_of(a)), a);
  EXPECT_THROW(algorithm_named("trpo"), base::UsageError);
}

TEST(Algorithm, EveryPublishedMethodIsCompleteAndSound) {
  EXPECT_EQ(published_methods().size(), 16u);
  for (const std::string& method : published_methods()) {
    AlgorithmSettings settings = published(method);
    EXPECT_EQ(refusal(settings), "") << method;
    for (const base::Setting& setting : base::list_settings(settings))
      if (const auto* text = std::get_if<std::string*>(&setting.target)) {
        EXPECT_NE(**text, "auto") << method << " " << setting.path;
      }
  }
  EXPECT_THROW(published("trpo"), base::UsageError);
}

TEST(Algorithm, PublishedMethodsAreTheirPapers) {
  const AlgorithmSettings grpo = published("grpo"), dapo = published("dapo"),
                          dr_grpo = published("dr_grpo"), ppo = published("ppo");
  EXPECT_EQ(grpo.kl_loss, "k3");
  EXPECT_EQ(grpo.aggregation, "sequence_mean");
  EXPECT_EQ(grpo.advantage_scale, "group");
  EXPECT_EQ(dapo.clip_low, .2);
  EXPECT_EQ(dapo.clip_high, .28);
  EXPECT_EQ(dapo.aggregation, "token_mean");
  EXPECT_EQ(dapo.kl_place, "none");
  EXPECT_EQ(dr_grpo.advantage_scale, "none");
  EXPECT_EQ(dr_grpo.aggregation, "constant_length");
  EXPECT_EQ(ppo.kl_place, "reward");
  EXPECT_EQ(ppo.kl_reward, "k1");
}

TEST(Algorithm, AutoFollowsTheAlgorithmAndWhatIsSaidStays) {
  AlgorithmSettings settings;
  settings.algorithm = "rloo";
  settings.aggregation = "constant_length";
  settings = resolved(settings);
  EXPECT_EQ(settings.baseline, "leave_one_out");
  EXPECT_EQ(settings.kl_place, "reward");
  EXPECT_EQ(settings.aggregation, "constant_length");
}

TEST(CheckAlgorithm, OnlyK1IsARewardThatHoldsBack) {
  for (const char* estimator : {"kl_reward=k2", "kl_reward=k3", "kl_reward=absolute"})
    for (const char* method : {"ppo", "rloo", "reinforce_pp"})
      expect_refused(method, {estimator}, "not the gradient of KL");
  expect_allowed("dapo", {"kl_reward=k3"});  // there is no KL in its reward
}

TEST(CheckAlgorithm, K1AndTheAbsoluteRatioAreNoLosses) {
  expect_refused("grpo", {"kl_loss=k1"}, "whose mean over the policy's own samples is 0");
  expect_refused("grpo", {"kl_loss=k1", "kl_ratio=detached"}, "is 0");
  expect_refused("grpo", {"kl_loss=absolute"}, "that of no KL");
  expect_refused("grpo", {"kl_loss=k2", "kl_ratio=full"}, "on top of k2's own");
  expect_allowed("grpo", {"kl_loss=k1", "kl_ratio=full"});
  expect_allowed("grpo", {"kl_loss=k3", "kl_ratio=full"});
  expect_allowed("grpo", {"kl_loss=k2", "kl_ratio=detached"});
  expect_allowed("ppo", {"kl_loss=k1"});  // not used
}

TEST(CheckAlgorithm, BetaBesideDividedAdvantagesNeedsItsUnit) {
  expect_refused("grpo", {"beta_unit=score"}, "beta then acts as beta * that deviation");
  expect_refused("ppo", {"kl_place=loss"}, "deviation of their batch");
  expect_allowed("ppo", {"kl_place=loss", "beta_unit=advantage"});
  expect_allowed("ppo", {"kl_place=loss", "advantage_scale=none"});
  expect_refused("ppo", {"beta_unit=advantage"}, "prices a nat in score here");
  expect_refused("ppo", {"kl_place=both", "beta_unit=advantage"}, "two prices");
  expect_allowed("ppo", {"kl_place=both", "advantage_scale=none"});
}

TEST(CheckAlgorithm, AnAlgorithmIsItsBaselineAndItsScale) {
  expect_refused("ppo", {"baseline=group_mean"}, "must be one of critic");
  expect_refused("rloo", {"baseline=group_mean"}, "must be one of leave_one_out");
  expect_refused("rloo", {"advantage_scale=group"}, "only grpo");
  expect_refused("reinforce_pp", {"advantage_scale=none"}, "use rloo");
  expect_refused("grpo", {"group_size=1"}, "nothing to be compared with");
  expect_refused("rloo", {"group_size=1"}, "nothing to be compared with");
  expect_refused("reinforce_pp_baseline", {"kl_place=reward", "beta_unit=score"}, "into the loss");
  expect_refused("ppo", {"dynamic_sampling=true"}, "has no groups");
  expect_refused("ppo", {"ratio=sequence"}, "differ from token to token");
  expect_allowed("rloo", {"ratio=sequence"});
}

TEST(CheckAlgorithm, NumbersStayInTheirRanges) {
  expect_refused("ppo", {"clip_low=1"}, "clip_low is 1");
  expect_refused("ppo", {"clip_high=0"}, "clip_high is 0");
  expect_refused("ppo", {"dual_clip=1"}, "at ratio 1");
  expect_refused("ppo", {"sampler_cap=0.5"}, "shrinks the loss");
  expect_refused("grpo", {"group_epsilon=0"}, "group_epsilon");
  expect_refused("dpo", {"preference_beta=0"}, "preference_beta");
  expect_refused("cdpo", {"label_noise=0.5"}, "tell nothing");
  expect_refused("kto", {"desirable_weight=0"}, "desirable_weight");
  expect_refused("reward_weighted", {"weight_beta=0"}, "weight_beta");
  expect_refused("ppo", {"sampler_cap=-2"}, "-1 for what");
  expect_refused("ppo", {"rollout_weights=int4"}, "computed, int8");
  expect_allowed("ppo", {"dual_clip=3", "sampler_cap=2", "clip_high=0.28"});
}

TEST(CheckAlgorithm, WithoutRolloutsThereIsNoKlToPrice) {
  expect_refused("dpo", {"kl_place=reward"}, "set by preference_beta");
  expect_refused("kto", {"kl_place=loss"}, "set by preference_beta");
  expect_refused("reward_weighted", {"kl_place=loss"}, "set by weight_beta");
  expect_refused("sft", {"kl_place=loss"}, "demonstrations");
  expect_refused("dpo", {"beta_unit=advantage"}, "no advantages");
  expect_refused("dpo", {"label_noise=0.1"}, "conservative or robust");
  expect_refused("ipo", {"label_noise=0.1"}, "conservative or robust");
  expect_refused("dpo", {"log_prob_length=mean"}, "only ipo");
  expect_allowed("ipo", {"log_prob_length=mean"});
  expect_refused("best_of_n", {"group_size=1"}, "best of one reply");
  expect_refused("reward_weighted", {"group_size=1"}, "always weighs 1");
  expect_allowed("reward_weighted", {"group_size=1", "weight_scope=batch"});
}

TEST(CheckAlgorithm, UnknownWordsAreNamedWithTheKnownOnes) {
  expect_refused("ppo", {"aggregation=mean"}, "token_mean, sequence_mean, constant_length");
  expect_refused("ppo", {"kl_place=everywhere"}, "reward, loss, both, none");
  expect_refused("ppo", {"algorithm=trpo"}, "must be one of ppo, grpo");
}

}  // namespace
}  // namespace rl
