#include <cmath>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "rl/advantages.h"
#include "rl/group_advantages.h"
#include "rl/kl.h"
#include "rl/losses.h"
#include "rl/reward_weighted.h"
#include "rl/test_random.h"
#include "rl/token_rewards.h"

// What holds for every loss of tokens, whatever the shape and the mask.

namespace rl {
namespace {

using namespace testing;

// `live` is what the loss may be differentiated in (log-probabilities, values or entropies).
struct Batch {
  torch::Tensor live, old, reference, advantages, sampler;  // [B, R] double
  torch::Tensor mask;                                       // [B, R] bool
  torch::Tensor weights;                                    // [B]
};

Batch random_batch(std::uint64_t seed) {
  base::Random random({seed, "rl/invariants"});
  const auto rows = static_cast<std::int64_t>(2 + random.below(4)),
             length = static_cast<std::int64_t>(2 + random.below(5));
  const auto draw = [&] { return normals(random, {rows, length}); };
  Batch batch;
  batch.live = draw() - 2;
  batch.old = batch.live + .3 * draw();
  batch.reference = batch.live + .5 * draw();
  batch.sampler = batch.old + .2 * draw();
  batch.advantages = draw();
  batch.mask = random_mask(random, rows, length);
  batch.weights = normals(random, {rows}).exp();
  return batch;
}

// The same change to every tensor of tokens.
template <class F>
Batch changed(const Batch& batch, F&& change) {
  Batch out = batch;
  for (torch::Tensor* x :
       {&out.live, &out.old, &out.reference, &out.advantages, &out.sampler, &out.mask})
    *x = change(*x);
  return out;
}

struct Case {
  std::string name;
  std::function<torch::Tensor(const Batch&, const Reduction&)> loss;
};

std::vector<Case> ppo_cases() {
  const auto ppo = [](const PpoOptions& options) {
    return [options](const Batch& b, const Reduction& reduction) {
      PpoOptions own = options;
      own.reduction = reduction;
      return ppo_loss(b.live, b.old, b.advantages, b.mask, own).loss;
    };
  };
  return {{"ppo", ppo({})},
          {"ppo, clip-higher", ppo({.clip_low = .1, .clip_high = .4})},
          {"ppo, dual clip", ppo({.dual_clip = 1.2})},
          {"gspo", ppo({.clip_low = .05, .clip_high = .05, .ratio = RatioLevel::sequence})},
          {"ppo, truncated weights",
           [](const Batch& b, const Reduction& reduction) {
             return ppo_loss(b.live, b.old, b.advantages, b.mask,
                             {.weights = sampler_weights(b.old, b.sampler, b.mask, 1.1),
                              .reduction = reduction})
                 .loss;
           }},
          {"reinforce",
           [](const Batch& b, const Reduction& reduction) {
             return reinforce_loss(b.live, b.advantages, b.mask, reduction);
           }},
          {"values, clipped",
           [](const Batch& b, const Reduction& reduction) {
             return value_loss(b.live, b.old, b.reference, b.mask, .2, reduction).loss;
           }},
          {"values",
           [](const Batch& b, const Reduction& reduction) {
             return value_loss(b.live, b.old, b.reference, b.mask, 0, reduction).loss;
           }},
          {"entropy",
           [](const Batch& b, const Reduction& reduction) {
             return entropy_loss(b.live, b.mask, .3, reduction);
           }},
          {"imitation", [](const Batch& b, const Reduction& reduction) {
             return weighted_imitation_loss(b.live, b.weights, b.mask, reduction);
           }}};
}

std::vector<Case> cases() {
  std::vector<Case> out = ppo_cases();
  for (const auto& [name, estimator] : {std::pair{"k1", KlEstimator::k1},
                                        {"k2", KlEstimator::k2},
                                        {"k3", KlEstimator::k3},
                                        {"absolute", KlEstimator::absolute}})
    for (const auto& [ratio_name, ratio] : {std::pair{"alone", KlRatio::none},
                                            {"with a detached ratio", KlRatio::detached},
                                            {"with the ratio", KlRatio::full}})
      out.push_back(
          {std::string(name) + " " + ratio_name,
           [estimator = estimator, ratio = ratio](const Batch& b, const Reduction& reduction) {
             return kl_loss(b.live, b.old, b.reference, b.mask,
                            {.estimator = estimator, .ratio = ratio, .reduction = reduction})
                 .loss;
           }});
  return out;
}

const std::vector<Reduction>& reductions() {
  static const std::vector<Reduction> all = {
      {}, {.how = Aggregation::sequence_mean}, {.how = Aggregation::constant_length, .length = 7}};
  return all;
}

torch::Tensor gradient(const Case& of, const Batch& batch, const Reduction& reduction) {
  return gradient_of(
      [&](const torch::Tensor& x) {
        Batch own = batch;
        own.live = x;
        return of.loss(own, reduction);
      },
      batch.live);
}

// visit(case, batch, reduction) for every loss and reduction over random batches.
template <class F>
void for_all(F&& visit) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const Batch batch = random_batch(seed);
    for (const Case& one : cases())
      for (const Reduction& reduction : reductions()) {
        SCOPED_TRACE(one.name + ", seed " + std::to_string(seed) + ", reduction " +
                     std::to_string(static_cast<int>(reduction.how)));
        visit(one, batch, reduction);
      }
  }
}

TEST(EveryLoss, ReadsNothingOutsideTheMask) {
  for_all([](const Case& one, const Batch& batch, const Reduction& reduction) {
    const double loss = one.loss(batch, reduction).item<double>();
    const torch::Tensor slope = gradient(one, batch, reduction);
    for (const double poison : {static_cast<double>(NAN), static_cast<double>(INFINITY), 1e9}) {
      Batch poisoned = changed(batch, [&](const torch::Tensor& x) {
        return x.dtype() == torch::kBool ? x : at::where(batch.mask, x, poison);
      });
      EXPECT_EQ(one.loss(poisoned, reduction).item<double>(), loss);
      EXPECT_TRUE(at::equal(gradient(one, poisoned, reduction), slope));
    }
    EXPECT_EQ(slope.masked_select(batch.mask.logical_not()).abs().sum().item<double>(), 0);
  });
}

TEST(EveryLoss, IsTheSameInAnyOrderAndWithAnyPadding) {
  for_all([](const Case& one, const Batch& batch, const Reduction& reduction) {
    const double loss = one.loss(batch, reduction).item<double>();
    Batch turned = changed(batch, [](const torch::Tensor& x) { return x.flip(0); });
    turned.weights = batch.weights.flip(0);
    EXPECT_NEAR(one.loss(turned, reduction).item<double>(), loss, 1e-12);
    for (const std::vector<std::int64_t>& by : {std::vector<std::int64_t>{0, 3}, {2, 0}}) {
      const Batch padded =
          changed(batch, [&](const torch::Tensor& x) { return at::constant_pad_nd(x, by, 0); });
      EXPECT_NEAR(one.loss(padded, reduction).item<double>(), loss, 1e-12);
    }
    Batch empty_row = changed(batch, [](const torch::Tensor& x) {
      return at::constant_pad_nd(x, {0, 0, 0, 1}, 0);
    });
    empty_row.weights = at::constant_pad_nd(batch.weights, {0, 1}, 5);
    EXPECT_NEAR(one.loss(empty_row, reduction).item<double>(), loss, 1e-12);
  });
}

TEST(EveryLoss, AddsUpOverThePartsOfAMinibatch) {
  for_all([](const Case& one, const Batch& batch, const Reduction& reduction) {
    Reduction part = reduction;
    part.total = reduction_total(batch.mask, reduction.how);
    double sum = 0;
    std::vector<torch::Tensor> slopes;
    const std::int64_t rows = batch.mask.size(0);
    for (const auto& [first, count] :
         {std::pair<std::int64_t, std::int64_t>{0, 1}, {1, rows - 1}}) {
      Batch own = changed(batch, [&, first = first, count = count](const torch::Tensor& x) {
        return x.narrow(0, first, count);
      });
      own.weights = batch.weights.narrow(0, first, count);
      sum += one.loss(own, part).item<double>();
      slopes.push_back(gradient(one, own, part));
    }
    EXPECT_NEAR(sum, one.loss(batch, reduction).item<double>(), 1e-12);
    EXPECT_LT(largest_difference(at::cat(slopes), gradient(one, batch, reduction)), 1e-12);
  });
}

TEST(EveryLoss, HasTheGradientThatFiniteDifferencesShow) {
  for_all([](const Case& one, const Batch& batch, const Reduction& reduction) {
    // A detached ratio is a number to the gradient, but not to a difference of losses.
    if (one.name.find("detached") != std::string::npos) return;
    expect_gradient(
        [&](const torch::Tensor& x) {
          Batch own = batch;
          own.live = x;
          return one.loss(own, reduction);
        },
        batch.live);
  });
}

TEST(EveryLoss, SendsItsGradientNowhereElse) {
  for_all([](const Case& one, const Batch& batch, const Reduction& reduction) {
    Batch own = batch;
    std::vector<torch::Tensor*> all = {&own.live,       &own.old,     &own.reference,
                                       &own.advantages, &own.sampler, &own.weights};
    for (torch::Tensor* x : all) *x = x->clone().set_requires_grad(true);
    one.loss(own, reduction).backward();
    EXPECT_TRUE(own.live.grad().defined());
    for (std::size_t i = 1; i < all.size(); ++i) EXPECT_FALSE(all[i]->grad().defined()) << i;
  });
}

TEST(EveryLoss, IsZeroAndDifferentiableWhereNothingCounts) {
  for_all([](const Case& one, const Batch& batch, const Reduction& reduction) {
    Batch nothing = batch;
    nothing.mask = torch::zeros_like(batch.mask);
    EXPECT_EQ(one.loss(nothing, reduction).item<double>(), 0);
    EXPECT_EQ(gradient(one, nothing, reduction).abs().sum().item<double>(), 0);
  });
}

TEST(PpoLoss, OfComparedRepliesIsZeroAtTheFirstStepWhereEachReplyCountsTheSame) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const Batch b = random_batch(seed);
    const std::vector<int> one_group(static_cast<std::size_t>(b.mask.size(0)), 0);
    const torch::Tensor advantages = over_tokens(grpo_advantages(b.weights, one_group), b.mask);
    const PpoLoss loss = ppo_loss(b.live, b.live, advantages, b.mask,
                                  {.reduction = {.how = Aggregation::sequence_mean}});
    EXPECT_NEAR(loss.loss.item<double>(), 0, 1e-12);
    EXPECT_EQ(loss.clip_fraction, 0);
    EXPECT_EQ(loss.approx_kl, 0);
    EXPECT_EQ(loss.ratio_variance, 0);
  }
}

// ---- advantages ----

TEST(Advantages, ReadNothingOutsideTheMaskAndCarryNoGradient) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Batch b = random_batch(seed);
    const auto poisoned = [&](const torch::Tensor& x) {
      return at::where(b.mask, x, static_cast<double>(NAN)).set_requires_grad(true);
    };
    const Advantages clean = estimate_advantages(b.advantages, b.live, b.mask),
                     dirty = estimate_advantages(poisoned(b.advantages), poisoned(b.live), b.mask);
    EXPECT_TRUE(at::equal(clean.advantages, dirty.advantages));
    EXPECT_TRUE(at::equal(clean.returns, dirty.returns));
    EXPECT_FALSE(dirty.advantages.requires_grad());
    EXPECT_EQ(clean.returns.masked_select(b.mask.logical_not()).abs().sum().item<double>(), 0);
    EXPECT_TRUE(
        at::equal(whiten(clean.advantages, b.mask), whiten(poisoned(clean.advantages), b.mask)));
    EXPECT_TRUE(at::equal(reinforce_pp_advantages(b.advantages, b.mask),
                          reinforce_pp_advantages(poisoned(b.advantages), b.mask)));
  }
}

TEST(Advantages, AGapChangesNothingWhereverItIs) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Batch b = random_batch(seed);
    const Advantages all = estimate_advantages(b.advantages, b.live, b.mask, {.discount = .9});
    for (std::int64_t row = 0; row < b.mask.size(0); ++row) {
      const auto packed = [&](const torch::Tensor& x) {
        return x[row].masked_select(b.mask[row]).unsqueeze(0);
      };
      const Advantages alone = estimate_advantages(packed(b.advantages), packed(b.live),
                                                   packed(b.mask), {.discount = .9});
      EXPECT_TRUE(at::equal(packed(all.advantages), alone.advantages));
      EXPECT_TRUE(at::equal(packed(all.returns), alone.returns));
    }
  }
}

TEST(Advantages, ArePerfectWhereValuesAreTheReturns) {
  // With lambda 1 an advantage is the return from here on less the value: 0 where the value is
  // that.
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Batch b = random_batch(seed);
    const torch::Tensor returns = returns_to_go(b.advantages, b.mask, .9);
    const Advantages gae =
        estimate_advantages(b.advantages, returns, b.mask, {.discount = .9, .lambda = .7});
    EXPECT_LT(gae.advantages.abs().max().item<double>(), 1e-12);
    EXPECT_LT(largest_difference(gae.returns, returns), 1e-12);
  }
}

TEST(Advantages, ARewardForEveryReplyAlikeLeavesWhatIsRelativeAsItWas) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    base::Random random({seed, "rl/shift"});
    const torch::Tensor scores = normals(random, {8});
    std::vector<int> groups;
    for (int i = 0; i < 8; ++i) groups.push_back(static_cast<int>(random.below(3)));
    const torch::Tensor mask = random_mask(random, 8, 5);
    const torch::Tensor shifted = scores + 3.7;
    EXPECT_LT(largest_difference(rloo_advantages(scores, groups), rloo_advantages(shifted, groups)),
              1e-12);
    for (const GroupScale scale : {GroupScale::group, GroupScale::batch, GroupScale::none})
      EXPECT_LT(largest_difference(grpo_advantages(scores, groups, {.scale = scale}),
                                   grpo_advantages(shifted, groups, {.scale = scale})),
                1e-12);
    EXPECT_LT(largest_difference(reinforce_pp_baseline_advantages(scores, groups, mask),
                                 reinforce_pp_baseline_advantages(shifted, groups, mask)),
              1e-9);
    // Whitened advantages too, for a reward at every reply's end raises every return to go alike.
    const torch::Tensor none = torch::zeros(mask.sizes(), torch::kFloat64);
    EXPECT_LT(
        largest_difference(reinforce_pp_advantages(token_rewards(scores, none, mask, 0), mask),
                           reinforce_pp_advantages(token_rewards(shifted, none, mask, 0), mask)),
        1e-9);
  }
}

TEST(TokenRewards, AddUpToTheScoreLessThePriceOfTheReplysKl) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    const Batch b = random_batch(seed);
    const torch::Tensor k1 = at::where(b.mask, kl_k1(b.live, b.reference), NAN), scores = b.weights;
    const torch::Tensor rewards = token_rewards(scores, k1, b.mask, .3);
    EXPECT_LT(largest_difference(rewards.sum(1), scores - .3 * reply_sums(k1, b.mask)), 1e-12);
    EXPECT_LT(largest_difference(reply_rewards(scores, k1, b.mask, .3), rewards.sum(1)), 1e-12);
    EXPECT_EQ(rewards.masked_select(b.mask.logical_not()).abs().sum().item<double>(), 0);
  }
}

}  // namespace
}  // namespace rl
