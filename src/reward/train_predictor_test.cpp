#include "reward/train_predictor.h"

#include <gtest/gtest.h>

#include "reward/test_taste.h"

namespace reward {
namespace {

using testing::Taste;

TEST(Predictor, LearnsWhoLikesWhat) {
  const Taste taste;
  const torch::Tensor scores =
      taste.predictor().item_scores({taste.states[0], taste.states[1]}, Head::liked).mean(0);
  EXPECT_GT(scores[0][2].item<float>(), scores[0][3].item<float>());
  EXPECT_GT(scores[1][3].item<float>(), scores[1][2].item<float>());
}

TEST(Predictor, NeverLooksAtHeldOutDialogues) {
  Taste taste;
  const torch::Tensor before = taste.predictor().item_scores({taste.states[0]}, Head::liked);
  for (Outcome& outcome : taste.outcomes)
    if (taste.held_out[static_cast<std::size_t>(outcome.dialogue)])
      for (double& target : outcome.targets) target = 1 - target;
  EXPECT_TRUE(taste.predictor().item_scores({taste.states[0]}, Head::liked).equal(before));
}

}  // namespace
}  // namespace reward
