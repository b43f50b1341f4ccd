#include "rl/item_slot.h"

#include <cmath>

#include <gtest/gtest.h>

#include "rl/test_random.h"
#include "train/adamw.h"

namespace rl {
namespace {

TEST(ItemSlot, KnowsTwoItemsByHand) {
  // p = (1/2, 1/2), q = (1/4, 3/4), r = (1, 0), beta 2: E r = .5, KL = .5 ln 2 + .5 ln (2/3) =
  // .143841
  const torch::Tensor p = torch::tensor({{.5f, .5f}}).log(),
                      q = torch::tensor({{.25f, .75f}}).log();
  const ItemSlotLoss loss = item_slot_loss(p, q, torch::tensor({{1.f, 0.f}}),
                                           torch::tensor({std::int64_t{-1}}), {.beta = 2});
  EXPECT_NEAR(loss.reward, .5, 1e-6);
  EXPECT_NEAR(loss.reference_reward, .25, 1e-6);
  EXPECT_NEAR(loss.kl, .143841, 1e-5);
  EXPECT_NEAR(loss.loss.item<double>(), -(.5 - 2 * .143841), 1e-5);
}

TEST(ItemSlot, GradientAscentEndsAtTheTiltedReference) {
  // The optimum of E[r] - beta KL is q exp(r / beta), normalised. The masked item stays out.
  const torch::Tensor q = at::log_softmax(torch::tensor({{.3f, -1.f, .5f, -1e9f}}), 1);
  const torch::Tensor reward = torch::tensor({{1.f, 2.f, -.5f, 3.f}});
  torch::Tensor logits = q.clone().set_requires_grad(true);
  train::AdamW optimiser({logits}, {.beta2 = .999, .weight_decay = 0});
  for (int step = 0; step < 2000; ++step) {
    item_slot_loss(at::log_softmax(logits, 1), q, reward, torch::tensor({std::int64_t{-1}}),
                   {.beta = .7})
        .loss.backward();
    optimiser.step(.02, 0);
  }
  const torch::Tensor expected = at::softmax((q + reward / .7).narrow(1, 0, 3), 1);
  EXPECT_LT((at::softmax(logits, 1).narrow(1, 0, 3) - expected).abs().max().item<float>(), 1e-3);
  EXPECT_EQ(at::softmax(logits, 1)[0][3].item<float>(), 0);
}

TEST(ItemSlot, NothingOfAMaskedItemIsRead) {
  const auto run = [](float log_prob, float reference, float reward) {
    const torch::Tensor p = torch::tensor({{-.693147f, -.693147f, log_prob}})
                                .set_requires_grad(true),
                        q = torch::tensor({{-.287682f, -1.386294f, reference}});
    const ItemSlotLoss loss =
        item_slot_loss(p, q, torch::tensor({{1.f, 0.f, reward}}), torch::tensor({std::int64_t{0}}));
    loss.loss.backward();
    return std::pair{loss, p.grad()};
  };
  const auto [clean, clean_gradient] = run(-1e9f, -1e9f, 0);
  EXPECT_NEAR(clean.entropy / std::log(2.), 1, 1e-5);  // two equal outcomes: one bit
  for (const float poison : {NAN, -INFINITY}) {
    const auto [loss, gradient] = run(poison, poison, NAN);
    EXPECT_EQ(loss.loss.item<double>(), clean.loss.item<double>());
    EXPECT_EQ(loss.reward, clean.reward);
    EXPECT_EQ(loss.reference_reward, clean.reference_reward);
    EXPECT_EQ(loss.kl, clean.kl);
    EXPECT_EQ(loss.entropy, clean.entropy);
    EXPECT_TRUE(at::equal(gradient, clean_gradient));
  }
}

TEST(ItemSlot, HasTheGradientThatFiniteDifferencesShow) {
  base::Random random({5, "rl/item_slot"});
  const torch::Tensor logits = testing::normals(random, {3, 5}),
                      q = at::log_softmax(testing::normals(random, {3, 5}), 1),
                      rewards = 3 * testing::normals(random, {3, 5}),
                      targets = torch::tensor(std::vector<std::int64_t>{2, -1, 4}, torch::kInt64);
  testing::expect_gradient(
      [&](const torch::Tensor& x) {
        return item_slot_loss(at::log_softmax(x, 1), q, rewards, targets,
                              {.beta = .7, .reward_clip = 2, .cross_entropy = .4})
            .loss;
      },
      logits);
}

TEST(ItemSlot, SendsItsGradientToThePolicyOnly) {
  torch::Tensor p = torch::tensor({{-.6f, -.8f}}).set_requires_grad(true),
                q = p.detach().clone().set_requires_grad(true),
                rewards = torch::tensor({{1.f, 2.f}}).set_requires_grad(true);
  item_slot_loss(p, q, rewards, torch::tensor({std::int64_t{1}})).loss.backward();
  EXPECT_TRUE(p.grad().defined());
  EXPECT_FALSE(q.grad().defined());
  EXPECT_FALSE(rewards.grad().defined());
}

}  // namespace
}  // namespace rl
