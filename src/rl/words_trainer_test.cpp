#include "rl/words_trainer.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "rl/masked.h"
#include "rl/test_training.h"

namespace rl {
namespace {

using testing::frozen;
using testing::metric;
using testing::share_below;
using testing::small;
using testing::Training;

TEST(WordsTrainer, WordsThatScoreBecomeMoreLikelyAndWithTheSignFlippedLess) {
  Training more(small()), less(small());
  const int below = more.policy.tokens.word_rows() / 4;
  const double before = more.first_word_below(below);
  EXPECT_NEAR(before, .25, .05);
  const double kl_more = more.train(15, share_below(below)),
               kl_less = less.train(15, share_below(below, -1));
  EXPECT_GT(more.first_word_below(below), 1.4 * before);
  EXPECT_LT(less.first_word_below(below), before / 1.4);
  EXPECT_GT(kl_more, .05);
  EXPECT_GT(kl_less, .05);
}

TEST(WordsTrainer, TheScoreMovesTheModeOnlyWhereItIsToBeLearned) {
  const auto mode_after = [](bool learn_mode, double of_mode, double of_words) {
    RlSettings settings = small();
    settings.learn_mode = learn_mode;
    Training training(settings);
    const double before = training.recommends();
    const testing::Score words = share_below(training.policy.tokens.word_rows() / 4);
    training.train(6, [&](const Episode& episode) {
      return of_mode * episode.action.recommends + of_words * words(episode);
    });
    return training.recommends() - before;
  };
  EXPECT_GT(mode_after(true, 1, 0), .3);
  EXPECT_LT(mode_after(true, -1, 0), -.3);
  // What the words' score moves by chance, here .05 at most, is the same whichever mode is better.
  const double one = mode_after(false, 1, 1), other = mode_after(false, -1, 1);
  EXPECT_NEAR(one, 0, .12);
  EXPECT_NEAR(one, other, .02);
}

TEST(WordsTrainer, AKlFarOverItsBudgetIsPaidForAtOnce) {
  RlSettings settings = small();
  settings.beta = 1e-3;
  settings.kl_target = .3;
  settings.kl_horizon = 1e6;  // the controller does next to nothing
  Training training(settings);
  double late = 0;
  bool guarded = false;
  for (int iteration = 1; iteration <= 30; ++iteration) {
    const Rollout rollout = training.prepare(share_below(60));
    EXPECT_NEAR(rollout.beta, rollout.kl > .45 ? 1 : 1e-3, 1e-6) << rollout.kl;
    guarded |= rollout.kl > .45;
    if (iteration > 20) late += rollout.kl / 10;
    training.trainer.update(rollout, settings.learning_rate, training.place());
  }
  EXPECT_TRUE(guarded);
  EXPECT_LT(late, 1);  // some nats without
}

TEST(WordsTrainer, ItsAdamIsOfTheFormThatTheSettingsName) {
  const auto weights = [](const char* form) {
    RlSettings settings = small();
    settings.adam = form;
    Training training(settings);
    training.train(1, share_below(60));
    return training.hash();
  };
  EXPECT_NE(weights("pytorch"), weights("tensorflow"));
}

TEST(WordsTrainer, WhitenedRewardsHaveDeviationOneAndTheirMean) {
  RlSettings settings = small();
  settings.whiten_rewards = true;
  Training whitened(settings), plain(small());
  const Rollout of = whitened.prepare(share_below(60)), raw = plain.prepare(share_below(60));
  EXPECT_NEAR(masked_variance(of.rewards, of.learned).item<double>(), 1, 1e-4);
  EXPECT_NEAR(masked_mean(of.rewards, of.learned).item<double>(),
              masked_mean(raw.rewards, raw.learned).item<double>(), 1e-5);
}

TEST(WordsTrainer, GoesOnFromACheckpointBitForBit) {
  RlSettings settings = small();
  settings.kl_target = 1e-5;
  settings.kl_horizon = 200;
  settings.max_tokens = 4;
  const testing::Score score = share_below(60);
  Training whole(settings), resumed(settings);
  whole.train(4, score);

  base::TemporaryFolder folder;
  model::Checkpoint saved{4, {}, base::Json::object()};
  model::add_prefixed(saved.tensors, whole.policy.language.parameters.values(), "model.");
  whole.trainer.save(saved);
  model::write_checkpoint(folder.path(), saved);
  const auto read = model::read_newest_checkpoint(folder.path(), {});
  ASSERT_TRUE(read);
  resumed.policy.language.parameters.assign(model::with_prefix(read->tensors, "model."), "test");
  resumed.trainer.load(*read);
  resumed.iteration = 4;
  EXPECT_EQ(resumed.trainer.beta(), whole.trainer.beta());
  EXPECT_NE(resumed.trainer.beta(), settings.beta);

  const std::string before = whole.hash();
  whole.train(2, score);
  resumed.train(2, score);
  EXPECT_NE(whole.hash(), before);
  EXPECT_EQ(resumed.hash(), whole.hash());
  EXPECT_EQ(resumed.trainer.beta(), whole.trainer.beta());
}

TEST(WordsTrainer, RefusesAFirstIterationWhosePolicyIsNotTheReference) {
  Training training(small());
  training.iteration = 1;
  std::vector<Episode> episodes = training.sample();
  const std::vector<double> scores(episodes.size(), 0);
  EXPECT_NO_THROW(training.trainer.prepare(episodes, scores, training.place()));
  torch::NoGradGuard no_grad;
  training.policy.language.parameters.at("wpe.weight").select(0, 0).mul_(2);
  EXPECT_THROW(training.trainer.prepare(episodes, scores, training.place()), base::Error);
}

TEST(WordsTrainer, RefusesAnUpdateWhoseFirstRatioIsNotOne) {
  Training training(small());
  Rollout rollout = training.prepare(share_below(60));
  rollout.log_probs = rollout.log_probs + 1e-3;
  EXPECT_THROW(training.trainer.update(rollout, 1e-3, training.place()), base::Error);
}

TEST(WordsTrainer, RefusesRepliesOfAnotherSampler) {
  Training training(small());
  training.iteration = 1;
  std::vector<Episode> episodes = training.sample();
  for (Episode& episode : episodes)
    for (double& log_prob : episode.sampled_log_probs) log_prob -= .01;
  const std::vector<double> scores(episodes.size(), 0);
  EXPECT_THROW(training.trainer.prepare(episodes, scores, training.place()), base::Error);
}

// The sampler's log-probabilities are those of the 8 bits it drew by, and weighed by.
TEST(WordsTrainer, LearnsFromRolloutsInInt8ByWeightsAgainstTheSampler) {
  for (const char* method : {"ppo", "grpo", "rloo", "reinforce_pp"}) {
    RlSettings settings = small(method);
    settings.rollout_weights = "int8";
    settings.sampler_cap = -1;
    EXPECT_EQ(resolved(settings).sampler_cap, 2);
    Training training(settings);
    const int below = training.policy.tokens.word_rows() / 4;
    const double before = training.first_word_below(below);
    const Rollout rollout = training.prepare(share_below(below));
    EXPECT_GT(rollout.mismatch.log_prob, 1e-4) << method;
    EXPECT_LT(rollout.mismatch.log_prob, .1) << method;
    const double weight =
        metric(training.trainer.update(rollout, 0, training.place()), "val/sampler_weight");
    EXPECT_NE(weight, 1) << method;
    EXPECT_NEAR(weight, 1, .05) << method;
    training.train(8, share_below(below));
    EXPECT_GT(training.first_word_below(below), 1.2 * before) << method;
  }
  RlSettings unweighed = small("ppo");
  EXPECT_EQ(resolved(unweighed).sampler_cap, 0);
  unweighed.rollout_weights = "int8";
  unweighed.sampler_cap = 0;
  EXPECT_EQ(resolved(unweighed).sampler_cap, 0);
}

// The weights are of the KL in the loss, too: with an advantage of 0 there is nothing else.
TEST(WordsTrainer, WeighsTheKlInTheLossAgainstTheSampler) {
  const auto kl = [](double cap) {
    RlSettings settings = small("grpo");
    settings.rollout_weights = "int8";
    settings.sampler_cap = cap;
    settings.epochs = 1;
    Training training(settings);
    training.train(2, share_below(60));
    Rollout rollout = training.prepare(share_below(60));
    rollout.sampled = rollout.sampled - std::log(1.5);  // so that each token weighs 1.5 times
    return metric(training.trainer.update(rollout, 0, training.place()), "loss/kl_avg");
  };
  const double plain = kl(0);
  EXPECT_GT(plain, 0);
  EXPECT_NEAR(kl(2) / plain, 1.5, .05);
}

// Whatever the shapes that replies are scored in: the first epoch's minibatches are those of the
// rollout, later ones hold other replies.
TEST(WordsTrainer, WithoutAStepTheRatioStaysOneInEveryMinibatch) {
  for (const int minibatch : {1, 2, 7, 16, 64}) {
    RlSettings settings = small();
    settings.minibatch = minibatch;
    settings.epochs = 3;
    Training training(settings);
    const model::TensorMap before = training.policy.language.trained().copy();
    for (int i = 0; i < 2; ++i) {
      const Rollout rollout = training.prepare(share_below(60));
      const base::Metrics metrics = training.trainer.update(rollout, 0, training.place());
      for (const auto& [name, value] : metrics) {
        if (name == "val/ratio_max" || name == "val/ratio_min") {
          EXPECT_NEAR(value, 1, 1e-4) << name << " at " << minibatch;
        }
        if (name == "policy/approxkl_avg" || name == "policy/clipfrac_avg") {
          EXPECT_NEAR(value, 0, 1e-8) << name << " at " << minibatch;
        }
      }
      EXPECT_LT(std::abs(rollout.kl), 1e-4);
    }
    for (const auto& [name, value] : before)
      EXPECT_TRUE(value.equal(training.policy.language.trained().values().at(name))) << name;
  }
}

TEST(WordsTrainer, StopsAnUpdateThatHasGoneTooFarAndCountsTheTokensOfItsSteps) {
  for (const bool stops : {false, true}) {
    RlSettings settings = small();
    settings.epochs = 2;
    settings.minibatch = 16;
    settings.max_approx_kl = stops ? 1e-9 : 0;
    Training training(settings);
    const Rollout rollout = training.prepare(share_below(60));
    ASSERT_GT(rollout.first_minibatches.size(), 2u);
    // The first is on the policy that sampled; the second is not.
    const std::size_t minibatches = stops ? 2 : rollout.first_minibatches.size();
    double tokens = 0;
    for (std::size_t i = 0; i < minibatches; ++i)
      for (const std::size_t episode : rollout.first_minibatches[i])
        tokens += static_cast<double>(rollout.episodes[episode].tokens.size());
    const int epochs = stops ? 1 : 2;
    const base::Metrics metrics = training.trainer.update(rollout, .01, training.place());
    EXPECT_EQ(metric(metrics, "steps"), static_cast<double>(minibatches) * epochs);
    EXPECT_EQ(metric(metrics, "tokens"), tokens * epochs);
  }
}

TEST(WordsTrainer, SharedPromptsChangeNeitherLossNorGradient) {
  for (const char* method : {"ppo", "grpo", "rloo", "kto", "dpo", "reward_weighted"}) {
    RlSettings settings = small();
    static_cast<AlgorithmSettings&>(settings) = published(method);
    settings.epochs = 1;
    Training shared(settings), repeated(settings, Prompts::repeated);
    for (int i = 0; i < 2; ++i) {
      const Rollout a = shared.prepare(share_below(60)), b = repeated.prepare(share_below(60));
      ASSERT_EQ(a.first_minibatches, b.first_minibatches);
      EXPECT_LT((a.log_probs - b.log_probs).abs().max().item<double>(), 1e-5) << method;
      EXPECT_LT((a.reference - b.reference).abs().max().item<double>(), 1e-5) << method;
      EXPECT_LT((a.values - b.values).abs().max().item<double>(), 1e-5) << method;
      // The mean of two steps or three: with a step size of 0 they are of one policy.
      const base::Metrics first = shared.trainer.update(a, 0, shared.place()),
                          second = repeated.trainer.update(b, 0, repeated.place());
      for (const char* name : {"loss/policy_avg", "grad_norm"})
        EXPECT_NEAR(metric(first, name), metric(second, name), 1e-5) << method << " " << name;
    }
  }
}

TEST(WordsTrainer, ScoresPolicyAndReferenceAtTheSamplersTemperature) {
  RlSettings settings = small();
  settings.temperature = .7;
  Training training(settings);
  const Rollout first = training.prepare(share_below(60));  // refuses a KL that is not 0
  EXPECT_LT(first.mismatch.log_prob, 1e-5);
  EXPECT_NO_THROW(training.trainer.update(first, 1e-3, training.place()));  // and a ratio not 1
}

class EveryMethod : public ::testing::TestWithParam<std::string> {};

// The score is the share of words among the first 60 tokens. The mode is not learned from.
TEST_P(EveryMethod, FollowsTheScoreUpAndDownAndLeavesTheModeAlone) {
  RlSettings settings = small(GetParam());
  settings.mask_truncated = false;  // replies of a random model hardly end
  Training up(settings), down(settings);
  const double before = up.first_word_below(60), recommends = up.recommends();
  up.train(12, share_below(60));
  down.train(12, share_below(60, -1));
  EXPECT_GT(up.first_word_below(60), before + .015);
  EXPECT_LT(down.first_word_below(60), before - .015);
  EXPECT_NEAR(up.recommends(), recommends, .15);
}

TEST(WordsTrainer, LearnsNothingWhereEveryReplyWasCutOff) {
  RlSettings settings = small("dapo");
  Training training(settings);
  const std::string before = training.hash();
  training.iteration = 1;
  std::vector<Episode> episodes = training.sample();
  for (Episode& episode : episodes) episode.action.ended = false;
  const std::vector<int> states(episodes.size(), 0);
  std::vector<double> scores(episodes.size());
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<double>(i % 3);
  const Rollout rollout =
      training.trainer.prepare(std::move(episodes), std::move(scores), training.place(), states);
  training.trainer.update(rollout, 5e-3, training.place());
  EXPECT_EQ(training.hash(), before);
}

TEST_P(EveryMethod, GoesOnFromACheckpointBitForBit) {
  Training whole(small(GetParam())), stopped(small(GetParam())), resumed(small(GetParam()));
  const auto step = [](Training& training) {
    const Rollout rollout = training.prepare(share_below(60));
    training.trainer.update(rollout, 5e-3, training.place());
  };
  for (int i = 0; i < 4; ++i) step(whole);
  for (int i = 0; i < 2; ++i) step(stopped);
  model::Checkpoint checkpoint{2, {}, {}};
  stopped.trainer.save(checkpoint);
  resumed.policy.language.parameters.assign(stopped.policy.language.parameters.values(), "test");
  resumed.trainer.load(checkpoint);
  resumed.iteration = 2;
  for (int i = 0; i < 2; ++i) step(resumed);
  EXPECT_EQ(resumed.hash(), whole.hash());
}

std::vector<std::string> scored_methods() {
  std::vector<std::string> methods = published_methods();
  std::erase(methods, "sft");  // it reads no score
  return methods;
}
INSTANTIATE_TEST_SUITE_P(Methods, EveryMethod, ::testing::ValuesIn(scored_methods()),
                         [](const auto& named) { return named.param; });

TEST(WordsTrainer, ImitatesWhatTheLogsSaid) {
  RlSettings settings = small("sft");
  settings.max_tokens = 40;
  Training training(settings);
  std::vector<const dialogue::Dialogue*> pointers;
  for (const dialogue::Dialogue& dialogue : training.dialogues) pointers.push_back(&dialogue);
  const Places places = find_places(pointers);
  const auto likelihood = [&] {
    torch::NoGradGuard no_grad;
    const std::vector<Episode> replies =
        logged_replies(places.imitable, training.policy.tokens, training.policy.state, 40, 96);
    std::vector<const Episode*> all;
    for (const Episode& reply : replies) all.push_back(&reply);
    const TokenScores scores =
        score_tokens(frozen(training.policy.language), training.policy.tokens, all);
    return masked_mean(scores.log_probs, scores.mask).item<double>();
  };
  const double before = likelihood();
  for (training.iteration = 1; training.iteration <= 8; ++training.iteration) {
    std::vector<Episode> replies =
        logged_replies(draw_places(places.imitable, 16, {3, "test", training.iteration}),
                       training.policy.tokens, training.policy.state, 40, 96);
    std::vector<double> scores(replies.size(), 0.);
    const Rollout rollout =
        training.trainer.prepare(std::move(replies), std::move(scores), training.place());
    training.trainer.update(rollout, 5e-3, training.place());
  }
  EXPECT_GT(likelihood(), before + .3);
}

// With one word a reply the optimum of E[score] - beta KL is the reference times exp(score / beta),
// normalised. The score, 1 for a quarter of the words, is divided by its running deviation s, so
// that p / (1 - p) = q / (1 - q) * exp(1 / (beta s)) for these words' probability.
TEST(WordsTrainer, OneWordRepliesEndAtTheTiltedReference) {
  RlSettings settings = small();
  settings.max_tokens = 1;
  settings.lambda = 1;
  settings.minibatch = 64;
  settings.beta = 1.5;
  settings.learn_mode = true;
  settings.learning_rate = 1e-2;
  Training training(settings);
  const int below = training.policy.tokens.word_rows() / 4;
  const torch::Tensor q = Training::first_words(training.reference, training);
  training.train(100, share_below(below));

  model::Checkpoint saved;
  training.trainer.save(saved);
  RunningMoments moments;
  moments.from_json(saved.state.at("moments"));
  torch::Tensor reward = torch::zeros({q.size(1)});
  reward.narrow(0, 0, below).fill_(1 / (settings.beta * moments.deviation()));
  const torch::Tensor optimum = at::log_softmax(q + reward, 1),
                      p = Training::first_words(frozen(training.policy.language), training);
  const auto share = [&](const torch::Tensor& log_p) {
    return log_p.exp().narrow(1, 0, below).sum(1).mean().item<double>();
  };
  const auto kl = [&](const torch::Tensor& log_p) {
    return exact_kl(log_p, q).mean().item<double>();
  };
  EXPECT_GT(share(optimum), 1.8 * share(q));
  EXPECT_NEAR(share(p), share(optimum), .03);
  EXPECT_NEAR(kl(p), kl(optimum), .1 * kl(optimum));
}

}  // namespace
}  // namespace rl
