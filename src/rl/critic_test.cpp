#include "rl/critic.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "model/lora.h"
#include "rl/test_training.h"

namespace rl {
namespace {

using testing::metric;
using testing::share_below;
using testing::small;
using testing::Training;

RlSettings with_critic(const std::string& kind, int warmup = 0) {
  RlSettings settings = small();
  settings.critic = kind;
  settings.critic_warmup = warmup;
  return settings;
}

// The hash of what a checkpoint holds of the critic: head, language model, optimiser.
std::string critic_of(const Training& training) {
  model::Checkpoint checkpoint;
  training.trainer.save(checkpoint);
  model::TensorMap own;
  for (const auto& [name, tensor] : checkpoint.tensors)
    if (name.starts_with("critic")) own[name] = tensor;
  return model::hash_tensors(own);
}

void step(Training& training, double learning_rate = 5e-3, double critic_learning_rate = 0) {
  const Rollout rollout = training.prepare(share_below(60));
  training.trainer.update(rollout, learning_rate, training.place(), critic_learning_rate);
}

// In the first iteration all values are 0, so that the advantages are the same whatever the critic
// then learns.
TEST(Critic, ApartItsLossDoesNotReachThePolicy) {
  Training slow(with_critic("apart")), fast(with_critic("apart"));
  const std::string before = slow.hash();
  step(slow, 5e-3, 1e-5);
  step(fast, 5e-3, 1e-2);
  EXPECT_NE(critic_of(slow), critic_of(fast));
  EXPECT_NE(slow.hash(), before);
  EXPECT_EQ(slow.hash(), fast.hash());
}

TEST(Critic, OnTheTrunkItsLossDoesReachThePolicy) {
  RlSettings light = with_critic("trunk"), heavy = light;
  light.value_weight = .01;
  heavy.value_weight = 5;
  Training one(light), other(heavy);
  step(one);
  step(other);
  EXPECT_NE(one.hash(), other.hash());
}

TEST(Critic, ApartItLearnsFromNothingButItsLoss) {
  RlSettings plain = with_critic("apart"), other = plain;
  other.entropy_weight = 1;
  other.clip_low = .05;
  Training one(plain), two(other);
  step(one);
  step(two);
  EXPECT_NE(one.hash(), two.hash());
  EXPECT_EQ(critic_of(one), critic_of(two));
}

TEST(Critic, ApartItStartsAsTheStartModelAndAtTheValueZero) {
  Training training(with_critic("apart"));
  model::Checkpoint checkpoint;
  training.trainer.save(checkpoint);
  EXPECT_EQ(model::hash_tensors(model::with_prefix(checkpoint.tensors, "critic_model.")),
            training.hash());
  EXPECT_EQ(training.prepare(share_below(60)).values.abs().max().item<double>(), 0);
}

TEST(Critic, InTheWarmUpValuesMoveAndThePolicyStays) {
  for (const char* kind : {"trunk", "apart"}) {
    Training training(with_critic(kind, 2));
    const std::string before = training.hash();
    step(training);
    Rollout rollout = training.prepare(share_below(60));
    EXPECT_GT(rollout.values.abs().max().item<double>(), 1e-3) << kind;
    const base::Metrics metrics = training.trainer.update(rollout, 5e-3, training.place());
    EXPECT_EQ(metric(metrics, "grad_norm"), 0) << kind;
    EXPECT_GT(metric(metrics, "critic/grad_norm"), 0) << kind;
    EXPECT_EQ(training.hash(), before) << kind;
    rollout = training.prepare(share_below(60));  // still the reference
    EXPECT_EQ(rollout.kl, 0) << kind;
    training.trainer.update(rollout, 5e-3, training.place());
    EXPECT_NE(training.hash(), before) << kind;
  }
}

TEST(Critic, APolicyThatMovedInTheWarmUpIsRefused) {
  Training training(with_critic("apart", 2));
  step(training);
  training.iteration += 1;
  std::vector<Episode> episodes = training.sample();
  torch::NoGradGuard no_grad;
  training.policy.language.parameters.at("wpe.weight").select(0, 0).mul_(1.0001);
  EXPECT_THROW(training.trainer.prepare(episodes, std::vector<double>(episodes.size(), 0.),
                                        training.place()),
               base::Error);
}

// A reply to an even state is worth 1 more than one to an odd state.
double worth_of_state(const Training& training, const Episode& episode) {
  for (std::size_t i = 0; i < training.states.size(); ++i)
    if (training.policy.tokens.encode_prompt(training.states[i], 80) == episode.prompt)
      return static_cast<double>(i % 2);
  return 0;
}

TEST(Critic, ComesToForetellWhatAStateIsWorth) {
  for (const char* kind : {"trunk", "apart"}) {
    RlSettings settings = with_critic(kind);
    settings.learn_mode = true;  // scores as they are
    settings.lambda = 1;
    settings.epochs = 4;
    settings.value_weight = 1;
    Training training(settings);
    std::vector<double> explained;
    for (int i = 0; i < 12; ++i) {
      const Rollout rollout = training.prepare(
          [&](const Episode& episode) { return worth_of_state(training, episode); });
      explained.push_back(metric(training.trainer.update(rollout, 5e-3, training.place()),
                                 "value/explained_variance"));
    }
    EXPECT_NEAR(explained.front(), 0, 1e-5) << kind;
    EXPECT_GT(explained.back(), .8) << kind;
  }
}

TEST(Critic, GoesOnFromACheckpointBitForBit) {
  for (const char* kind : {"trunk", "apart"})
    for (const int warmup : {0, 1, 3}) {
      const RlSettings settings = with_critic(kind, warmup);
      Training whole(settings), resumed(settings);
      step(whole);
      step(whole);
      base::TemporaryFolder folder;
      model::Checkpoint saved{2, {}, base::Json::object()};
      whole.trainer.save(saved);
      model::write_checkpoint(folder.path(), saved);
      resumed.policy.language.parameters.assign(whole.policy.language.parameters.values(), "test");
      resumed.trainer.load(*model::read_newest_checkpoint(folder.path(), {}));
      resumed.iteration = 2;
      EXPECT_EQ(critic_of(resumed), critic_of(whole));
      for (int i = 0; i < 2; ++i) {
        step(whole);
        step(resumed);
      }
      EXPECT_EQ(resumed.hash(), whole.hash()) << kind << " " << warmup;
      EXPECT_EQ(critic_of(resumed), critic_of(whole)) << kind << " " << warmup;
    }
}

TEST(Critic, BesideAnAdapterItHasAnAdapterOfItsOwn) {
  model::LanguageModel policy =
      recommend::testing::model(recommend::testing::dialogues(3)).language.copy();
  model::LoraSettings lora;
  lora.rank = 2;
  model::attach(policy, model::new_adapter(policy.config, policy.parameters, lora, 0, 0, 1));
  RlSettings settings;
  settings.critic = "apart";
  Critic critic(policy, settings, torch::kFloat32);
  model::TensorMap saved;
  critic.save(saved);
  const model::TensorMap own = model::with_prefix(saved, "critic_model.");
  EXPECT_EQ(own.size(), policy.adapter->parameters.names().size());
  for (const std::string& name : policy.adapter->parameters.names()) {
    EXPECT_TRUE(at::equal(own.at(name), policy.adapter->parameters.at(name))) << name;
    EXPECT_NE(own.at(name).data_ptr(), policy.adapter->parameters.at(name).data_ptr()) << name;
  }
}

}  // namespace
}  // namespace rl
