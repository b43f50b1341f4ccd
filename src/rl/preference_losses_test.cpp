#include "rl/preference_losses.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "rl/test_random.h"
#include "rl/test_rows.h"

namespace rl {
namespace {

using namespace testing;

torch::Tensor one(double value) { return torch::tensor({value}, torch::kFloat64); }
torch::Tensor flags(std::vector<int> values) { return torch::tensor(values).to(torch::kBool); }

// One pair with the reference at -11 for both.
DpoLoss pair_loss(double chosen, double rejected, const DpoOptions& options) {
  return dpo_loss({one(chosen), one(rejected), one(-11), one(-11)}, options);
}

TEST(BradleyTerry, HasItsKnownValues) {
  const auto loss = [](double difference, const BradleyTerryOptions& options = {}) {
    return bradley_terry_loss(one(difference + .5), one(.5), options).item<double>();
  };
  EXPECT_NEAR(loss(0), .693147, 1e-6);
  EXPECT_NEAR(loss(1), .313262, 1e-6);
  EXPECT_NEAR(loss(-1), 1.313262, 1e-6);
  EXPECT_NEAR(loss(2), .126928, 1e-6);
  EXPECT_NEAR(loss(5), .006715, 1e-6);
  EXPECT_NEAR(loss(2, {.margin = 1}), .313262, 1e-6);
  EXPECT_NEAR(loss(2, {.centring = .01}), .126928 + .09, 1e-6);  // (2.5 + .5)^2
}

TEST(Dpo, HasThePublishedValues) {
  EXPECT_NEAR(pair_loss(-11, -11, {}).loss.item<double>(), .693147, 1e-6);
  EXPECT_NEAR(pair_loss(-10, -12, {}).loss.item<double>(), .598139, 1e-6);  // h = 2
  EXPECT_NEAR(pair_loss(-10, -12, {.kind = DpoKind::ipo}).loss.item<double>(), 9, 1e-9);
  EXPECT_NEAR(pair_loss(-11, -11, {.kind = DpoKind::ipo}).loss.item<double>(), 25, 1e-9);
}

TEST(Dpo, TheReferenceIsTakenOffThePolicy) {
  // h = (-10 + 13) - (-12 + 11) = 4: -log sigmoid(.4)
  const DpoLoss loss = dpo_loss({one(-10), one(-12), one(-13), one(-11)}, {});
  EXPECT_NEAR(loss.loss.item<double>(), .513015, 1e-6);
  EXPECT_NEAR(loss.chosen_reward, .3, 1e-9);
  EXPECT_NEAR(loss.rejected_reward, -.1, 1e-9);
  EXPECT_NEAR(loss.margin, .4, 1e-9);
  EXPECT_EQ(loss.accuracy, 1);
}

// Three pairs with h = 0, 2 and 2; the second counts twice, the third nothing.
TEST(Dpo, PairsCountByTheirWeights) {
  const torch::Tensor chosen = torch::tensor({-11., -10., -10.}, torch::kFloat64),
                      rejected = torch::tensor({-11., -12., -12.}, torch::kFloat64),
                      q = torch::full({3}, -11., torch::kFloat64),
                      weights = torch::tensor({1., 2., 0.}, torch::kFloat64);
  EXPECT_NEAR(dpo_loss({chosen, rejected, q, q, weights}).loss.item<double>(),
              (.693147 + 2 * .598139) / 3, 1e-6);
  EXPECT_THROW(dpo_loss({chosen, rejected, q, q, one(1)}), base::Error);
}

TEST(Dpo, CountsTheRightPairsAndHalfTheTies) {
  const torch::Tensor zeros = torch::zeros({4});
  EXPECT_EQ(dpo_loss({torch::tensor({1.f, 0.f, -1.f, -1.f}), zeros, zeros, zeros}, {}).accuracy,
            .375);
}

TEST(Dpo, ConservativeAndRobustSplitTheLabelTheirWay) {
  // beta h = .2: -log sigmoid(.2) = .598139, -log sigmoid(-.2) = .798139
  EXPECT_NEAR(
      pair_loss(-10, -12, {.kind = DpoKind::conservative, .label_noise = .1}).loss.item<double>(),
      .9 * .598139 + .1 * .798139, 1e-6);
  EXPECT_NEAR(pair_loss(-10, -12, {.kind = DpoKind::robust, .label_noise = .1}).loss.item<double>(),
              (.9 * .598139 - .1 * .798139) / .8, 1e-6);
}

TEST(Dpo, RobustIsTheUnswappedLossOnAverageOverSwaps) {
  const double e = .3;
  const auto loss = [&](double chosen, double rejected, DpoKind kind, double noise) {
    return pair_loss(chosen, rejected, {.kind = kind, .label_noise = noise}).loss.item<double>();
  };
  EXPECT_NEAR((1 - e) * loss(-9, -12, DpoKind::robust, e) + e * loss(-12, -9, DpoKind::robust, e),
              loss(-9, -12, DpoKind::sigmoid, 0), 1e-9);
}

TEST(Dpo, RestsWhereEachLossSays) {
  const auto slope = [](double h, const DpoOptions& options) {
    return gradient_of(
               [&](const torch::Tensor& x) {
                 return dpo_loss({x, one(0), one(0), one(0)}, options).loss;
               },
               one(h))
        .item<double>();
  };
  // The sigmoid's slope is -beta (1 - sigmoid(beta h)).
  EXPECT_NEAR(slope(2, {.beta = .5}), -.5 * (1 - 1 / (1 + std::exp(-1.))), 1e-9);
  // The conservative one rests at sigmoid(beta h) = 1 - e: beta h = ln 9 for e = .1.
  EXPECT_NEAR(
      slope(std::log(9.) / .5, {.kind = DpoKind::conservative, .beta = .5, .label_noise = .1}), 0,
      1e-9);
  EXPECT_NEAR(slope(5, {.kind = DpoKind::ipo, .beta = .1}), 0, 1e-9);
  EXPECT_LT(slope(4.9, {.kind = DpoKind::ipo, .beta = .1}), 0);
}

TEST(Dpo, RefusesWhatHasNoMeaning) {
  EXPECT_THROW(pair_loss(0, 0, {.beta = 0}), base::UsageError);
  EXPECT_THROW(pair_loss(0, 0, {.label_noise = .1}), base::UsageError);
  EXPECT_THROW(pair_loss(0, 0, {.kind = DpoKind::ipo, .label_noise = .1}), base::UsageError);
  EXPECT_THROW(pair_loss(0, 0, {.kind = DpoKind::robust, .label_noise = .5}), base::UsageError);
  EXPECT_THROW(dpo_loss({one(0), torch::zeros({2}), one(0), one(0)}, {}), base::Error);
}

KtoReplies single(double h, int desirable) {
  return {one(h - 5), one(-5), flags({desirable}), one(0), one(0)};
}

TEST(Kto, HasThePublishedValues) {
  const auto loss = [](double h, int desirable, double z) {
    return kto_loss(single(h, desirable), {.reference_point = z}).loss.item<double>();
  };
  EXPECT_NEAR(loss(1, 1, .5), .487503, 1e-6);
  EXPECT_NEAR(loss(-1, 0, .5), .462570, 1e-6);
  // At the reference half the weights.
  KtoOptions weighted{.desirable_weight = 1.5, .undesirable_weight = .8};
  EXPECT_NEAR(kto_loss(single(0, 1), weighted).loss.item<double>(), .75, 1e-9);
  EXPECT_NEAR(kto_loss(single(0, 0), weighted).loss.item<double>(), .4, 1e-9);
}

TEST(Kto, TheReferencePointIsTheMeanOfMismatchedRepliesAndNeverNegative) {
  const torch::Tensor p = torch::tensor({-1.f, -2.f}), q = torch::tensor({-2.f, -2.5f});
  EXPECT_NEAR(kto_reference_point(p, q), .75, 1e-6);
  EXPECT_EQ(kto_reference_point(q, p), 0);
  EXPECT_THROW(kto_reference_point(torch::zeros({0}), torch::zeros({0})), base::Error);
  KtoReplies replies = single(1, 1);
  replies.mismatched_log_probs = p;
  replies.mismatched_reference = q;
  const KtoLoss loss = kto_loss(replies);
  EXPECT_NEAR(loss.reference_point, .75, 1e-6);
  EXPECT_NEAR(loss.loss.item<double>(), 1 - 1 / (1 + std::exp(-.1 * .25)), 1e-6);
}

// At the reference every reply costs a half: (2 * .5 + 0 - 1 * .5) / 3.
TEST(Kto, RepliesCountByTheirWeights) {
  const torch::Tensor zeros = torch::zeros({3}, torch::kFloat64);
  KtoReplies replies{zeros, zeros, flags({1, 1, 0})};
  replies.weights = torch::tensor({2., 0., -1.}, torch::kFloat64);
  EXPECT_NEAR(kto_loss(replies, {.reference_point = 0}).loss.item<double>(), .5 / 3, 1e-9);
  replies.weights = one(1);
  EXPECT_THROW(kto_loss(replies, {.reference_point = 0}), base::Error);
}

TEST(Kto, LogsRewardsMarginAndAccuracy) {
  // h = 2, -1, 1 with z = .5: right, right (undesirable below z), wrong.
  const KtoReplies replies{
      torch::tensor({2.f, -1.f, 1.f}), torch::zeros({3}), flags({1, 0, 0}), {}, {}};
  const KtoLoss loss = kto_loss(replies, {.beta = .2, .reference_point = .5});
  EXPECT_NEAR(loss.desirable_reward, .4, 1e-6);
  EXPECT_NEAR(loss.undesirable_reward, 0, 1e-6);
  EXPECT_NEAR(loss.margin, .4, 1e-6);
  EXPECT_NEAR(loss.accuracy, 2. / 3, 1e-6);
  EXPECT_EQ(kto_loss(single(3, 1), {.reference_point = 0}).margin, 0);  // nothing to compare with
  EXPECT_THROW(kto_loss(single(3, 1), {.beta = 0}), base::UsageError);
}

TEST(MismatchedReplies, AreThoseOfTheNextStateThatDiffersEverywhere) {
  EXPECT_EQ(mismatched_replies({7, 8, 9}), (std::vector<std::size_t>{1, 2, 0}));
  // One step on, replies 0 and 2 would meet their own state.
  EXPECT_EQ(mismatched_replies({7, 7, 8, 8}), (std::vector<std::size_t>{2, 3, 0, 1}));
  // Two of three are to one state: every step has one that meets its own.
  EXPECT_EQ(mismatched_replies({7, 7, 8}), (std::vector<std::size_t>{1, 2, 0}));
  EXPECT_THROW(mismatched_replies({7, 7}), base::UsageError);
  EXPECT_THROW(mismatched_replies({7}), base::UsageError);
}

// ---- what holds for all ----

struct Pairs {
  torch::Tensor chosen, rejected, reference_chosen, reference_rejected, desirable;
  explicit Pairs(std::uint64_t seed) {
    base::Random random({seed, "rl/pairs"});
    for (torch::Tensor* x : {&chosen, &rejected, &reference_chosen, &reference_rejected})
      *x = 3 * normals(random, {5}) - 9;
    desirable = flags({1, 0, 1, 1, 0});
  }
};

using PairLoss = std::function<torch::Tensor(const Pairs&, double total)>;

std::vector<PairLoss> pair_losses() {
  std::vector<PairLoss> out;
  for (const DpoOptions& options :
       {DpoOptions{}, DpoOptions{.kind = DpoKind::conservative, .label_noise = .2},
        DpoOptions{.kind = DpoKind::robust, .label_noise = .2}, DpoOptions{.kind = DpoKind::ipo}})
    out.push_back([options](const Pairs& p, double total) {
      DpoOptions own = options;
      own.total = total;
      return dpo_loss({p.chosen, p.rejected, p.reference_chosen, p.reference_rejected}, own).loss;
    });
  out.push_back([](const Pairs& p, double total) {  // mismatched: the other four
    return kto_loss({p.chosen, p.reference_chosen, p.desirable, {}, {}},
                    {.desirable_weight = 1.3,
                     .reference_point = kto_reference_point(p.rejected + 9, p.rejected.detach()),
                     .total = total})
        .loss;
  });
  return out;
}

TEST(EveryPreferenceLoss, HasTheGradientThatFiniteDifferencesShow) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    for (const PairLoss& loss : pair_losses())
      for (torch::Tensor Pairs::*live : {&Pairs::chosen, &Pairs::rejected})
        expect_gradient(
            [&](const torch::Tensor& x) {
              Pairs own(seed);
              own.*live = x;
              return loss(own, 0);
            },
            Pairs(seed).*live);
}

TEST(EveryPreferenceLoss, AddsUpOverTheRowsInAnyOrder) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    for (const PairLoss& loss : pair_losses()) {
      const Pairs all(seed);
      double sum = 0;
      for (const auto& [first, count] : {std::pair<std::int64_t, std::int64_t>{3, 2}, {0, 3}}) {
        Pairs part = all;
        for (torch::Tensor Pairs::*x : {&Pairs::chosen, &Pairs::rejected, &Pairs::reference_chosen,
                                        &Pairs::reference_rejected, &Pairs::desirable})
          part.*x = (all.*x).narrow(0, first, count);
        sum += loss(part, 5).item<double>();
      }
      EXPECT_NEAR(sum, loss(all, 0).item<double>(), 1e-9);
    }
}

TEST(EveryPreferenceLoss, SendsNoGradientToTheReference) {
  for (const PairLoss& loss : pair_losses()) {
    Pairs pairs(3);
    pairs.chosen.set_requires_grad(true);
    pairs.reference_chosen.set_requires_grad(true);
    pairs.reference_rejected.set_requires_grad(true);
    loss(pairs, 0).backward();
    EXPECT_TRUE(pairs.chosen.grad().defined());
    EXPECT_FALSE(pairs.reference_chosen.grad().defined());
    EXPECT_FALSE(pairs.reference_rejected.grad().defined());
  }
}

TEST(Kto, TheReferencePointIsANumberToTheGradient) {
  torch::Tensor h = one(1).set_requires_grad(true), mismatched = one(.5).set_requires_grad(true);
  const KtoLoss loss = kto_loss({h, one(0), flags({1}), mismatched, one(0)});
  loss.loss.backward();
  const double s = 1 / (1 + std::exp(-.1 * .5));
  EXPECT_NEAR(h.grad().item<double>(), -.1 * s * (1 - s), 1e-9);
  EXPECT_FALSE(mismatched.grad().defined());
}

}  // namespace
}  // namespace rl
