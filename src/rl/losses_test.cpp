#include "rl/losses.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "base/test_data.h"
#include "rl/test_rows.h"

namespace rl {
namespace {

using namespace testing;

TEST(PpoLoss, HasThePublishedValuesWithAndWithoutDualClip) {
  const auto loss = [](std::vector<float> advantage, std::vector<float> ratio, double dual) {
    const torch::Tensor log_ratio = row(ratio).log();
    return ppo_loss(log_ratio, torch::zeros_like(log_ratio), row(advantage), everywhere(log_ratio),
                    {.dual_clip = dual})
        .loss.item<double>();
  };
  EXPECT_NEAR(loss({1, -1, 2}, {.5f, 1, 1.5f}, 0), -.6333, 1e-4);
  EXPECT_NEAR(loss({1, -1, -4}, {.5f, 1, 10}, 0), 13.5, 1e-4);
  EXPECT_NEAR(loss({1, -1, -4}, {.5f, 1, 10}, 3), 4.1667, 1e-4);
}

TEST(PpoLoss, MaskedPlacesReachNeitherLossNorGradient) {
  torch::Tensor clean = row({-.5f, -1, 0}).set_requires_grad(true),
                dirty = row({-.5f, -1, NAN}).set_requires_grad(true);
  const torch::Tensor mask = bits({1, 1, 0}), old = row({-.6f, -1, INFINITY}),
                      advantages = row({1, -2, 1e9f});
  const PpoLoss a = ppo_loss(clean, old, advantages, mask),
                b = ppo_loss(dirty, old, advantages, mask);
  a.loss.backward();
  b.loss.backward();
  EXPECT_EQ(a.loss.item<double>(), b.loss.item<double>());
  EXPECT_TRUE(at::equal(clean.grad(), dirty.grad()));
}

TEST(PpoLoss, AtTheOldPolicyTheRatioIsOneAndTheLossMinusTheMeanAdvantage) {
  const torch::Tensor log_probs = row({-.3f, -1.7f}), advantages = row({2, -1});
  const PpoLoss loss = ppo_loss(log_probs, log_probs, advantages, everywhere(log_probs));
  EXPECT_EQ(loss.ratio, 1);
  EXPECT_EQ(loss.clip_fraction, 0);
  EXPECT_EQ(loss.approx_kl, 0);
  EXPECT_NEAR(loss.loss.item<double>(), -.5, 1e-7);
}

TEST(ValueLoss, HasItsKnownValueWithTheHalf) {
  const torch::Tensor v = row({.5f, 1.5f, -1}), old = row({.4f, 1, -.5f}), r = row({1, 1, -1});
  EXPECT_NEAR(value_loss(v, old, r, everywhere(v)).loss.item<double>(), .0983333, 1e-6);
}

TEST(ValueLoss, WithoutAClipIsHalfTheMeanSquare) {
  // errors -.5, .5, 0 -> .5 * (.25 + .25 + 0) / 3; clipped at .2 the second value would be 1.2
  const torch::Tensor v = row({.5f, 1.5f, -1}), old = row({.4f, 1, -.5f}), r = row({1, 1, -1});
  const ValueLoss loss = value_loss(v, old, r, everywhere(v), 0);
  EXPECT_NEAR(loss.loss.item<double>(), .0833333, 1e-6);
  EXPECT_EQ(loss.clip_fraction, 0);
}

TEST(ValueLoss, CountsWhereTheClippedErrorIsTheLarger) {
  // The first value has moved within the clip, the second towards its return and the third away.
  const torch::Tensor v = row({.5f, 1, 2}), old = row({.4f, 2, 1}), r = row({1, 0, 1});
  EXPECT_NEAR(value_loss(v, old, r, everywhere(v), .2).clip_fraction, 1. / 3, 1e-6);
}

TEST(ValueLoss, MaskedPlacesReachNeitherLossNorGradient) {
  torch::Tensor v = row({.5f, NAN}).set_requires_grad(true);
  const ValueLoss loss = value_loss(v, row({.5f, INFINITY}), row({1, NAN}), bits({1, 0}));
  EXPECT_NEAR(loss.loss.item<double>(), .125, 1e-6);
  loss.loss.backward();
  expect_near(v.grad(), {-.5, 0});
}

TEST(ExplainedVariance, IsOneForPerfectValuesZeroForTheMeanAndBelowForWorse) {
  const torch::Tensor returns = row({1, 2, 3, NAN}), mask = bits({1, 1, 1, 0});
  const auto of = [&](const torch::Tensor& values) {
    return explained_variance(values, returns, mask);
  };
  EXPECT_NEAR(of(row({1, 2, 3, 9})), 1, 1e-6);
  EXPECT_NEAR(of(row({6, 7, 8, 9})), 1, 1e-6);  // off by the same everywhere
  EXPECT_NEAR(of(row({2, 2, 2, 9})), 0, 1e-6);
  EXPECT_NEAR(of(row({1.5f, 2, 2.5f, 9})), .75, 1e-6);  // errors -.5, 0, .5: .25 of the variance 1
  EXPECT_NEAR(of(row({3, 2, 1, 9})), -3, 1e-6);         // errors -2, 0, 2: 4
}

TEST(ExplainedVariance, IsZeroWhereReturnsDoNotVary) {
  const torch::Tensor values = row({1, 2, 3});
  EXPECT_EQ(explained_variance(values, row({5, 5, 5}), everywhere(values)), 0);
  EXPECT_EQ(explained_variance(values, row({5, 6, 7}), bits({0, 1, 0})), 0);
}

TEST(PpoLoss, EachBoundHoldsOnItsSide) {
  // low .1, high .5. The gradient in log p is -A r where the plain term counts and 0 where the
  // clipped one does.
  const auto slope = [](float advantage, float ratio, double dual = 0) {
    const torch::Tensor x = row({ratio}).log().set_requires_grad(true);
    ppo_loss(x, row({0}), row({advantage}), bits({1}),
             {.clip_low = .1, .clip_high = .5, .dual_clip = dual})
        .loss.backward();
    return x.grad().item<double>();
  };
  EXPECT_NEAR(slope(1, 1.4f), -1.4, 1e-5);
  EXPECT_NEAR(slope(1, 1.6f), 0, 1e-6);   // rose far enough
  EXPECT_NEAR(slope(1, .2f), -.2, 1e-6);  // fell though it is good: pushed back
  EXPECT_NEAR(slope(-1, .95f), .95, 1e-6);
  EXPECT_NEAR(slope(-1, .85f), 0, 1e-6);  // fell far enough
  EXPECT_NEAR(slope(-1, 1.6f), 1.6, 1e-5);
  EXPECT_NEAR(slope(-1, 3.5f), 3.5, 1e-5);
  EXPECT_NEAR(slope(-1, 3.5f, 3), 0, 1e-6);  // the dual clip
  EXPECT_NEAR(slope(1, .2f, 3), -.2, 1e-6);  // is of negative advantages only
}

TEST(PpoLoss, WithASequencesRatioHasThePublishedValue) {
  // exp(mean of ln .5, 0, ln 1.5) = .9086; minus its product with the mean advantage 2/3
  const torch::Tensor log_ratio = row({.5f, 1, 1.5f}).log();
  const PpoLoss loss = ppo_loss(log_ratio, torch::zeros_like(log_ratio), row({1, -1, 2}),
                                bits({1, 1, 1}), {.ratio = RatioLevel::sequence});
  EXPECT_NEAR(loss.loss.item<double>(), -.6057, 1e-4);
  EXPECT_NEAR(loss.ratio, .9086, 1e-4);
  // The mean is over the reply's own tokens.
  const PpoLoss padded =
      ppo_loss(at::cat({log_ratio, row({NAN})}, 1), torch::zeros({1, 4}), row({1, -1, 2, 9}),
               bits({1, 1, 1, 0}), {.ratio = RatioLevel::sequence});
  EXPECT_NEAR(padded.loss.item<double>(), -.6057, 1e-4);
}

TEST(PpoLoss, TruncatedWeightsMakeUpForTheSampler) {
  // Weights exp(-.5), 1.6487 cut to .8, exp(-.2) = .8187 cut to .8.
  const torch::Tensor old = row({-1, -1, -1});
  const PpoLoss loss =
      ppo_loss(old + row({.5f, 1, 1.5f}).log(), old, row({1, -1, 2}), bits({1, 1, 1}),
               {.weights = sampler_weights(old, row({-.5f, -1.5f, -.8f}), bits({1, 1, 1}), .8)});
  EXPECT_NEAR(loss.loss.item<double>(), -.47442, 1e-5);
  EXPECT_NEAR(loss.sampler_weight, (.60653 + .8 + .8) / 3, 1e-5);
}

TEST(PpoLoss, LogsWhatHappenedInsideTheMask) {
  // Ratios 1 (in), 1.5 with A > 0 (clipped), .5 with A < 0 (clipped), 1.5 with A < 0 (not).
  const torch::Tensor log_ratio = row({1, 1.5f, .5f, 1.5f, 7}).log();
  const PpoLoss loss = ppo_loss(log_ratio, torch::zeros_like(log_ratio), row({1, 1, -1, -1, 5}),
                                bits({1, 1, 1, 1, 0}));
  EXPECT_NEAR(loss.clip_fraction, .5, 1e-6);
  EXPECT_NEAR(loss.ratio, 4.5 / 4, 1e-6);
  EXPECT_NEAR(loss.ratio_max, 1.5, 1e-6);
  EXPECT_NEAR(loss.ratio_min, .5, 1e-6);
  EXPECT_NEAR(loss.ratio_variance, .171875, 1e-6);  // squares 0.015625 + 2 * .140625 + .390625, / 4
  EXPECT_NEAR(loss.approx_kl, (2 * .164402 + .480453) / 8, 1e-5);  // ln(1.5)^2, ln(.5)^2, halved
  EXPECT_EQ(loss.sampler_weight, 1);
}

TEST(PpoLoss, HoldsARatioThatWouldOverflow) {
  const PpoLoss loss = ppo_loss(row({0, -90}), row({-90, 0}), row({-1, -1}), bits({1, 1}));
  EXPECT_TRUE(std::isfinite(loss.loss.item<double>()));
  EXPECT_NEAR(loss.ratio_max, std::exp(20.), 1e3);
}

TEST(PpoLoss, RefusesShapesThatDiffer) {
  EXPECT_THROW(ppo_loss(row({0, 0}), row({0}), row({0, 0}), bits({1, 1})), base::Error);
  EXPECT_THROW(ppo_loss(row({0}), row({0}), row({0}), bits({1}), {.weights = row({0, 0})}),
               base::Error);
}

TEST(ReinforceLoss, HasThePublishedValue) {
  EXPECT_NEAR(
      reinforce_loss(row({-.5f, -1, -1.5f}), row({1, -1, 2}), bits({1, 1, 1})).item<double>(),
      .8333, 1e-4);
}

TEST(Entropy, IsABonusAndCanBeEstimatedFromSamples) {
  EXPECT_NEAR(entropy_loss(row({1, 3, NAN}), bits({1, 1, 0}), .1).item<double>(), -.2, 1e-6);
  EXPECT_NEAR(sampled_entropy(row({-.5f, -1, -1.5f, NAN}), row({-.6f, -1.1f, -1.6f, NAN}),
                              bits({1, 1, 1, 0})),
              1.105171, 1e-5);
}

TEST(SamplerMismatch, IsNothingWhereBothAgreeAndKnownElsewhere) {
  const torch::Tensor p = row({-1, -2, NAN}), mask = bits({1, 1, 0});
  const SamplerMismatch none = sampler_mismatch(p, p, mask);
  EXPECT_EQ(none.log_prob, 0);
  EXPECT_EQ(none.token_error, 1);
  EXPECT_EQ(none.kl, 0);
  // The sampler has the first token at twice the probability: ln 2, 2, k3 = 1/2 - 1 + ln 2.
  const SamplerMismatch some = sampler_mismatch(p, row({-1 + .693147f, -2, 9}), mask);
  EXPECT_NEAR(some.log_prob, .693147 / 2, 1e-5);
  EXPECT_NEAR(some.token_error, 1.5, 1e-5);
  EXPECT_NEAR(some.kl, .193147 / 2, 1e-5);
  EXPECT_EQ(sampler_mismatch(p, p, bits({0, 0, 0})).token_error, 1);
}

// ---- against rlax ----

TEST(PpoLoss, AgreesWithRlax) {
  const std::filesystem::path file =
      base::test::data_folder() / "test_vectors" / "ppo" / "clipped_surrogate_rlax.json";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "skipped: no " << file << "; set ATTUNE_DATA";
  const base::Json vectors = base::read_json(file);
  const std::vector<std::int64_t> actions = vectors.at("actions");
  const auto chosen = [&](const char* key) {
    std::vector<torch::Tensor> rows;
    for (const base::Json& logits : vectors.at(key))
      rows.push_back(at::log_softmax(torch::tensor(logits.get<std::vector<float>>()), 0));
    return at::stack(rows).gather(1, torch::tensor(actions, torch::kInt64).unsqueeze(1)).t();
  };
  const double epsilon = vectors.at("epsilon");
  for (const base::Json& one : vectors.at("cases"))
    EXPECT_NEAR(ppo_loss(chosen("logits"), chosen("old_logits"),
                         row(one.at("advantages").get<std::vector<float>>()), bits({1, 1, 1}),
                         {.clip_low = epsilon, .clip_high = epsilon})
                    .loss.item<double>(),
                one.at("loss").get<double>(), 1e-4);
}

}  // namespace
}  // namespace rl
