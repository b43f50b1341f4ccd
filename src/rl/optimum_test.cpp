#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "rl/group_advantages.h"
#include "rl/kl.h"
#include "rl/losses.h"
#include "rl/preference_losses.h"
#include "rl/reward_weighted.h"
#include "rl/test_random.h"
#include "rl/token_rewards.h"
#include "train/adamw.h"

// A reply of one token out of three, so that expectations are sums and the best policy is known:
// E[score] - beta KL(p || q) is largest where p is q exp(score / beta), normalised. There every
// algorithm's gradient has to vanish, over all outcomes as often as the policy draws them; and what
// is no such algorithm shows that it moves on.

namespace rl {
namespace {

using namespace testing;

constexpr double kBeta = .7;

torch::Tensor doubles(std::vector<double> values) { return torch::tensor(values, torch::kFloat64); }

// Outcome 0 once, 1 twice, 2 three times: what p = (1/6, 2/6, 3/6) draws in six tries.
struct Six {
  torch::Tensor p = doubles({1 / 6., 2 / 6., 3 / 6.}).log();
  torch::Tensor q = doubles({.3, .5, .2}).log();
  torch::Tensor outcomes =
      torch::tensor(std::vector<std::int64_t>{0, 1, 1, 2, 2, 2}, torch::kInt64);
  torch::Tensor mask = torch::ones({6, 1}, torch::kBool);
  torch::Tensor scores = kBeta * (p - q) + 1.3;  // of each outcome: makes p the optimum
  std::vector<int> groups = std::vector<int>(6, 0);

  torch::Tensor drawn(const torch::Tensor& x) const {  // [3] -> [6]
    return x.index_select(0, outcomes);
  }
  torch::Tensor column(const torch::Tensor& x) const { return drawn(x).unsqueeze(1); }
  // The gradient in the logits of a loss of the six tokens' log-probabilities, [6, 1].
  torch::Tensor gradient(const Loss& loss, const torch::Tensor& logits) const {
    return gradient_of([&](const torch::Tensor& x) { return loss(column(at::log_softmax(x, 0))); },
                       logits);
  }
};

double largest(const torch::Tensor& x) { return x.abs().max().item<double>(); }
torch::Tensor kl_gradient(const torch::Tensor& logits, const torch::Tensor& q) {
  return gradient_of([&](const torch::Tensor& x) { return exact_kl(at::log_softmax(x, 0), q); },
                     logits);
}
torch::Tensor forward_kl_gradient(const torch::Tensor& logits, const torch::Tensor& q) {
  return gradient_of([&](const torch::Tensor& x) { return exact_kl(q, at::log_softmax(x, 0)); },
                     logits);
}

const std::map<std::string, KlEstimator> kEstimators = {{"k1", KlEstimator::k1},
                                                        {"k2", KlEstimator::k2},
                                                        {"k3", KlEstimator::k3},
                                                        {"absolute", KlEstimator::absolute}};

TEST(KlGradient, InTheRewardOnlyK1IsRight) {
  const Six six;
  const auto gradient = [&](KlEstimator estimator) {
    const torch::Tensor price = kl_estimate(estimator, six.column(six.p), six.column(six.q));
    return six.gradient(
        [&](const torch::Tensor& log_probs) { return reinforce_loss(log_probs, -price, six.mask); },
        six.p);
  };
  const torch::Tensor right = kl_gradient(six.p, six.q),
                      forward = forward_kl_gradient(six.p, six.q);
  EXPECT_GT(largest(right), .1);
  EXPECT_LT(largest(gradient(KlEstimator::k1) - right), 1e-12);
  EXPECT_LT(largest(gradient(KlEstimator::k3) - (right - forward)), 1e-12);
  for (const auto& [name, estimator] : kEstimators)
    if (estimator != KlEstimator::k1) {
      EXPECT_GT(largest(gradient(estimator) - right), .05) << name;
    }
}

TEST(KlGradient, InTheLossK2IsRightK3IsTheOtherKlsAndK1IsNone) {
  const Six six;
  const auto gradient = [&](KlEstimator estimator) {
    return six.gradient(
        [&](const torch::Tensor& log_probs) {
          return kl_loss(log_probs, six.column(six.p), six.column(six.q), six.mask,
                         {.estimator = estimator})
              .loss;
        },
        six.p);
  };
  const torch::Tensor right = kl_gradient(six.p, six.q),
                      forward = forward_kl_gradient(six.p, six.q);
  EXPECT_LT(largest(gradient(KlEstimator::k1)), 1e-12);
  EXPECT_LT(largest(gradient(KlEstimator::k2) - right), 1e-12);
  EXPECT_LT(largest(gradient(KlEstimator::k3) - forward), 1e-12);
  EXPECT_GT(largest(forward - right), .04);
  EXPECT_GT(largest(gradient(KlEstimator::absolute) - right), .05);
}

TEST(KlGradient, InLaterEpochsTheRatioMakesUpForTheOldPolicysSamples) {
  const Six six;
  const torch::Tensor now = six.p + doubles({.4, -.3, .1});  // logits of the policy by now
  const auto gradient = [&](KlEstimator estimator, KlRatio ratio) {
    return six.gradient(
        [&](const torch::Tensor& log_probs) {
          return kl_loss(log_probs, six.column(six.p), six.column(six.q), six.mask,
                         {.estimator = estimator, .ratio = ratio})
              .loss;
        },
        now);
  };
  const torch::Tensor right = kl_gradient(now, six.q), forward = forward_kl_gradient(now, six.q);
  EXPECT_LT(largest(gradient(KlEstimator::k1, KlRatio::detached)), 1e-12);
  EXPECT_LT(largest(gradient(KlEstimator::k2, KlRatio::detached) - right), 1e-12);
  EXPECT_LT(largest(gradient(KlEstimator::k3, KlRatio::detached) - forward), 1e-12);
  EXPECT_LT(largest(gradient(KlEstimator::k1, KlRatio::full) - right), 1e-12);
  EXPECT_LT(largest(gradient(KlEstimator::k3, KlRatio::full) - right), 1e-12);
  EXPECT_GT(largest(gradient(KlEstimator::k2, KlRatio::full) - right), .05);
  EXPECT_GT(largest(gradient(KlEstimator::k2, KlRatio::none) - right), .01);
}

TEST(Optimum, ComparedRepliesWithTheirKlInTheRewardRestThere) {
  const Six six;
  const auto gradient = [&](const torch::Tensor& policy) {
    const torch::Tensor rewards = reply_rewards(
        six.drawn(six.scores), kl_k1(six.column(policy), six.column(six.q)), six.mask, kBeta);
    const torch::Tensor advantages = over_tokens(rloo_advantages(rewards, six.groups), six.mask);
    return six.gradient(
        [&](const torch::Tensor& log_probs) {
          return ppo_loss(log_probs, six.column(policy), advantages, six.mask).loss;
        },
        policy);
  };
  EXPECT_LT(largest(gradient(six.p)), 1e-12);
  EXPECT_GT(largest(gradient(at::log_softmax(six.p * .5, 0))), .01);
}

TEST(Optimum, LeavingOneOutDoublesNothingAndBiasesNothing) {
  // Over all six the leave-one-out advantages are 6/5 of the centred scores, so this is 6/5 of the
  // exact gradient of -E[score].
  const Six six;
  const torch::Tensor advantages =
      over_tokens(rloo_advantages(six.drawn(six.scores), six.groups), six.mask);
  const torch::Tensor exact = gradient_of(
      [&](const torch::Tensor& x) { return -(at::softmax(x, 0) * six.scores).sum(); }, six.p);
  const torch::Tensor sampled = six.gradient(
      [&](const torch::Tensor& log_probs) {
        return reinforce_loss(log_probs, advantages, six.mask);
      },
      six.p);
  EXPECT_LT(largest(sampled - 1.2 * exact), 1e-12);
}

// The gradient at the optimum of a policy loss with the KL as another term of it.
double push(const Six& six, const GrpoOptions& options, KlEstimator estimator, KlRatio ratio,
            double beta) {
  const torch::Tensor advantages =
      over_tokens(grpo_advantages(six.drawn(six.scores), six.groups, options), six.mask);
  return largest(six.gradient(
      [&](const torch::Tensor& log_probs) {
        return ppo_loss(log_probs, six.column(six.p), advantages, six.mask).loss +
               beta * kl_loss(log_probs, six.column(six.p), six.column(six.q), six.mask,
                              {.estimator = estimator, .ratio = ratio})
                          .loss;
      },
      six.p));
}

TEST(Optimum, CentredRepliesWithTheirKlInTheLossRestThereWithTheRightEstimators) {
  const Six six;
  const GrpoOptions plain{.scale = GroupScale::none};
  EXPECT_LT(push(six, plain, KlEstimator::k2, KlRatio::none, kBeta), 1e-12);
  EXPECT_LT(push(six, plain, KlEstimator::k1, KlRatio::full, kBeta), 1e-12);
  EXPECT_LT(push(six, plain, KlEstimator::k3, KlRatio::full, kBeta), 1e-12);
  EXPECT_GT(push(six, plain, KlEstimator::k1, KlRatio::none, kBeta), .03);
  EXPECT_GT(push(six, plain, KlEstimator::k3, KlRatio::none, kBeta), .03);
  EXPECT_GT(push(six, plain, KlEstimator::k2, KlRatio::none, -kBeta), .03);
}

TEST(Optimum, AdvantagesDividedByTheirDeviationMakeBetaCountInIt) {
  const Six six;
  const GrpoOptions divided{.spread = Spread::biased, .epsilon = 1e-12};
  const double deviation = std::sqrt(six.drawn(six.scores).var(false).item<double>());
  EXPECT_GT(push(six, divided, KlEstimator::k2, KlRatio::none, kBeta), .05);
  EXPECT_LT(push(six, divided, KlEstimator::k2, KlRatio::none, kBeta / deviation), 1e-9);
}

TEST(Optimum, PairsJudgedByTheirScoresRestThere) {
  // Labels as Bradley and Terry draw them: i before j with probability sigmoid(s_i - s_j). DPO's
  // implicit rewards beta log (p / q) are the scores then, whatever constant they have.
  const Six six;
  const auto gradient = [&](const DpoOptions& options, double swapped) {
    return largest(gradient_of(
        [&](const torch::Tensor& x) {
          const torch::Tensor log_p = at::log_softmax(x, 0);
          torch::Tensor sum = torch::zeros({}, torch::kFloat64);
          for (const std::int64_t i : {0, 1, 2})
            for (const std::int64_t j : {0, 1, 2}) {
              if (i == j) continue;
              const double right = at::sigmoid(six.scores[i] - six.scores[j]).item<double>();
              const double labelled = right * (1 - swapped) + (1 - right) * swapped;
              const auto one = [](const torch::Tensor& all, std::int64_t at) {
                return all.narrow(0, at, 1);
              };
              sum = sum + labelled *
                              dpo_loss({one(log_p, i), one(log_p, j), one(six.q, i), one(six.q, j)},
                                       options)
                                  .loss;
            }
          return sum;
        },
        six.p));
  };
  EXPECT_LT(gradient({.beta = kBeta}, 0), 1e-12);
  EXPECT_GT(gradient({.beta = kBeta / 2}, 0), .05);
  EXPECT_GT(gradient({.beta = kBeta}, .2), .05);  // one pair in five the wrong way round
  EXPECT_LT(gradient({.kind = DpoKind::robust, .beta = kBeta, .label_noise = .2}, .2), 1e-12);
}

TEST(Optimum, ImitatingTheReferencesRepliesByTheirWeightsRestsThere) {
  // q = (3/10, 5/10, 2/10) draws these ten.
  const Six six;
  const torch::Tensor drawn =
      torch::tensor(std::vector<std::int64_t>{0, 0, 0, 1, 1, 1, 1, 1, 2, 2}, torch::kInt64);
  const torch::Tensor mask = torch::ones({10, 1}, torch::kBool),
                      scores = six.scores.index_select(0, drawn);
  const auto gradient = [&](const RewardWeightOptions& options, const std::vector<int>& groups) {
    const torch::Tensor weights = reward_weights(scores, groups, options);
    return largest(gradient_of(
        [&](const torch::Tensor& x) {
          return weighted_imitation_loss(at::log_softmax(x, 0).index_select(0, drawn).unsqueeze(1),
                                         weights, mask);
        },
        six.p));
  };
  EXPECT_LT(gradient({.beta = kBeta}, {}), 1e-12);
  EXPECT_LT(gradient({.beta = kBeta, .scope = WeightScope::none}, {}), 1e-12);
  EXPECT_LT(gradient({.beta = kBeta, .scope = WeightScope::group}, std::vector<int>(10, 4)), 1e-12);
  EXPECT_GT(gradient({.beta = 2 * kBeta}, {}), .05);
}

TEST(Adam, AnEpsilonAsLargeAsTheGradientHalvesTheFirstStep) {
  // g = 1e-5: step lr * g / (|g| + epsilon), after the bias correction, as PPO's optimiser is set.
  torch::Tensor x = torch::zeros({1}).set_requires_grad(true);
  train::AdamW optimiser({x}, {.beta2 = .999, .epsilon = 1e-5, .weight_decay = 0});
  (1e-5 * x).sum().backward();
  optimiser.step(.01, 0);
  EXPECT_NEAR(x.item<double>(), -.005, 1e-7);
}

}  // namespace
}  // namespace rl
