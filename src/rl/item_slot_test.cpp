#include "rl/item_slot.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace rl
