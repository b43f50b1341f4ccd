#include "rl/click_losses.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"

namespace rl {
namespace {

const double kLn2 = std::log(2);

// One state with three items; item 0 was taken up, item 1 was not, item 2 was not shown.
torch::Tensor policy() { return torch::tensor({{.5, .25, .25}}, torch::kFloat64).log(); }
torch::Tensor reference() { return torch::tensor({{.25, .5, .25}}, torch::kFloat64).log(); }

ShownRows shown(std::vector<std::int64_t> states, std::vector<std::int64_t> items,
                std::vector<std::int64_t> accepted, std::vector<double> weights = {}) {
  if (weights.empty()) weights.assign(items.size(), 1);
  return {torch::tensor(states, torch::kInt64), torch::tensor(items, torch::kInt64),
          torch::tensor(accepted, torch::kInt64).to(torch::kBool),
          torch::tensor(weights, torch::kFloat64)};
}
ShownRows two() { return shown({0, 0}, {0, 1}, {1, 0}); }

AlgorithmSettings method(const std::string& algorithm) {
  AlgorithmSettings settings;
  settings.algorithm = algorithm;
  settings.preference_beta = 1;
  return resolved(settings);
}

double loss(const torch::Tensor& log_probs, const ShownRows& rows,
            const AlgorithmSettings& settings) {
  return click_loss(log_probs, reference(), rows, settings).loss.item<double>();
}

// [N]: the gradient by the log-probabilities of the one state.
torch::Tensor gradient(const ShownRows& rows, const AlgorithmSettings& settings) {
  const torch::Tensor log_probs = policy().requires_grad_();
  click_loss(log_probs, reference(), rows, settings).loss.backward();
  return log_probs.grad()[0];
}

// h = ln 2 and -ln 2; z = KL = .5 ln 2 - .25 ln 2 = .25 ln 2: the item taken up costs
// 1 - sigmoid(.75 ln 2), the other 1 - sigmoid(1.25 ln 2).
TEST(ClickLoss, OfKtoHasTheExactKlForItsReferencePoint) {
  const double expected = (1 / (1 + std::pow(2, .75)) + 1 / (1 + std::pow(2, 1.25))) / 2;
  const ClickLoss found = click_loss(policy(), reference(), two(), method("kto"));
  EXPECT_NEAR(found.loss.item<double>(), expected, 1e-6);
  EXPECT_EQ(found.accuracy, 1);
  EXPECT_NEAR(found.margin, 2 * kLn2, 1e-6);
  EXPECT_EQ(found.rows, 2);
}

// The policies above are as far from each other either way; these are not: KL(p || q) =
// .75 ln 2 + .25 ln .4. h = ln 2.
TEST(ClickLoss, OfKtoTakesTheKlOfThePolicyToTheReference) {
  const torch::Tensor p = torch::tensor({{.5, .25, .25}}, torch::kFloat64).log(),
                      q = torch::tensor({{.25, .125, .625}}, torch::kFloat64).log();
  const double kl = .75 * kLn2 + .25 * std::log(.4);
  EXPECT_NEAR(click_loss(p, q, shown({0}, {0}, {1}), method("kto")).loss.item<double>(),
              1 - 1 / (1 + std::exp(kl - kLn2)), 1e-6);
}

TEST(ClickLoss, OfKtoIsHalfTheWeightAtTheReference) {
  AlgorithmSettings settings = method("kto");
  EXPECT_NEAR(loss(reference(), two(), settings), .5, 1e-6);
  settings.desirable_weight = 3;
  EXPECT_NEAR(loss(reference(), two(), settings), 1, 1e-6);  // (3 / 2 + 1 / 2) / 2
}

// h = ln 2 of both, above z = .25 ln 2: the item taken up is on the right side, the other is not,
// whatever a click weighs.
TEST(ClickLoss, OfKtoCountsEveryShownItemOnceWhateverItWeighs) {
  const torch::Tensor p = torch::tensor({{.5, .25, .25}}, torch::kFloat64).log(),
                      q = torch::tensor({{.25, .125, .625}}, torch::kFloat64).log();
  for (const double weight : {1., 3.}) {
    const ClickLoss found =
        click_loss(p, q, shown({0, 0}, {0, 1}, {1, 0}, {weight, 1}), method("kto"));
    EXPECT_EQ(found.accuracy, .5) << weight;
    EXPECT_NEAR(found.margin, 0, 1e-6) << weight;
    EXPECT_EQ(found.rows, 2);
  }
}

// h = ln 2 - -ln 2: -log sigmoid(2 ln 2) = ln 1.25. The third row is of another state and has
// nothing to be compared with.
TEST(ClickLoss, OfDpoComparesWithinAState) {
  const torch::Tensor log_probs = at::cat({policy(), policy()}),
                      q = at::cat({reference(), reference()});
  const ClickLoss found =
      click_loss(log_probs, q, shown({0, 0, 1}, {0, 1, 2}, {1, 0, 0}), method("dpo"));
  EXPECT_NEAR(found.loss.item<double>(), std::log(1.25), 1e-6);
  EXPECT_EQ(found.rows, 1);
  EXPECT_EQ(found.accuracy, 1);
  const ClickLoss every =
      click_loss(policy(), reference(), shown({0, 0, 0}, {0, 1, 2}, {1, 0, 0}), method("dpo"));
  EXPECT_EQ(every.rows, 2);
  EXPECT_NEAR(every.loss.item<double>(), (std::log(1.25) + std::log(1.5)) / 2, 1e-6);
}

TEST(ClickLoss, OfSftIsTheCrossEntropyOfWhatWasTakenUp) {
  EXPECT_NEAR(loss(policy(), two(), method("sft")), kLn2, 1e-6);
  EXPECT_NEAR(loss(policy(), shown({0, 0}, {0, 1}, {1, 1}), method("sft")), 1.5 * kLn2, 1e-6);
}

// exp(1 / beta) = 3 beside 1, scaled to a mean of 1: 1.5 ln 2 and .5 ln 4.
TEST(ClickLoss, OfRewardWeightedImitatesTheRestLess) {
  AlgorithmSettings settings = method("reward_weighted");
  settings.weight_beta = 1 / std::log(3);
  EXPECT_NEAR(loss(policy(), two(), settings), 1.25 * kLn2, 1e-6);
}

TEST(ClickLoss, PullsUpWhatWasTakenUpAndPushesDownWhatWasNot) {
  for (const char* algorithm : {"kto", "dpo"}) {
    const torch::Tensor slope = gradient(two(), method(algorithm));
    EXPECT_LT(slope[0].item<double>(), -.01) << algorithm;
    EXPECT_GT(slope[1].item<double>(), .01) << algorithm;
  }
  EXPECT_LT(gradient(two(), method("sft"))[0].item<double>(), -.01);
  EXPECT_EQ(gradient(two(), method("sft"))[1].item<double>(), 0);
}

TEST(ClickLoss, WhatWasNotShownMovesByTheSoftmaxOnly) {
  for (const char* algorithm : {"kto", "dpo", "sft", "reward_weighted"})
    EXPECT_EQ(gradient(two(), method(algorithm))[2].item<double>(), 0) << algorithm;
  // Poison where nobody looks; KTO's KL looks at all items.
  torch::Tensor q = reference();
  q[0][2] = std::nan("");
  for (const char* algorithm : {"dpo", "sft", "reward_weighted"})
    EXPECT_EQ(click_loss(policy(), q, two(), method(algorithm)).loss.item<double>(),
              loss(policy(), two(), method(algorithm)))
        << algorithm;
}

TEST(ClickLoss, MaskedItemsCountNothing) {
  const torch::Tensor p = torch::tensor({{std::log(.5), std::log(.5), -1e9}}, torch::kFloat64);
  for (const char* algorithm : {"kto", "dpo", "sft", "reward_weighted"}) {
    const torch::Tensor log_probs = p.clone().requires_grad_();
    const ClickLoss found = click_loss(log_probs, p, two(), method(algorithm));
    found.loss.backward();
    EXPECT_TRUE(std::isfinite(found.loss.item<double>())) << algorithm;
    EXPECT_EQ(log_probs.grad()[0][2].item<double>(), 0) << algorithm;
  }
}

TEST(ClickLoss, WithoutAnythingToLearnFromIsNothing) {
  const ShownRows declined = shown({0, 0}, {0, 1}, {0, 0});
  EXPECT_EQ(loss(policy(), declined, method("dpo")), 0);
  EXPECT_EQ(loss(policy(), declined, method("sft")), 0);
}

TEST(ClickLoss, IsOfFourAlgorithms) {
  for (const char* algorithm : {"ppo", "grpo", "best_of_n"})
    EXPECT_THROW(loss(policy(), two(), method(algorithm)), base::UsageError) << algorithm;
}

TEST(PlaceWeights, AreOneOverTheChanceToBeLookedAt) {
  const torch::Tensor places = torch::tensor({1, 2, 3}, torch::kInt64);
  EXPECT_TRUE(place_weights(places, 1, 0).equal(torch::tensor({1.f, 2.f, 3.f})));
  EXPECT_TRUE(place_weights(places, 2, 5).equal(torch::tensor({1.f, 4.f, 5.f})));
  EXPECT_TRUE(place_weights(places, 0, 20).equal(torch::ones({3})));
}

// An item at place 2 that everybody wants: half of them look there, and count twice.
TEST(PlaceWeights, HaveTheMeanOfPeopleWhoLookAtEverything) {
  const std::vector<double> second = {1, 2};
  for (const char* algorithm : {"kto", "sft"}) {
    // Item 0, taken up at place 1, is there in all of them.
    const double looked = loss(policy(), shown({0, 0}, {0, 1}, {1, 1}, second), method(algorithm)),
                 missed = loss(policy(), shown({0, 0}, {0, 1}, {1, 0}, second), method(algorithm));
    const double everybody = loss(policy(), shown({0, 0}, {0, 1}, {1, 1}), method(algorithm));
    // The cross-entropy is a mean over what was taken up: two items, or one.
    const bool mean = std::string(algorithm) == "sft";
    EXPECT_NEAR(mean ? (2 * looked + missed) / 2 : (looked + missed) / 2,
                mean ? 2 * everybody : everybody, 1e-6)
        << algorithm;
  }
}

}  // namespace
}  // namespace rl
