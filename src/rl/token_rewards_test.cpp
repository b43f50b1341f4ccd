#include "rl/token_rewards.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "rl/test_rows.h"

namespace rl {
namespace {

using namespace testing;

TEST(TokenRewards, StandWhereTheReplyEndsAndCostEveryTokenItsKl) {
  const torch::Tensor kl = at::cat({row({.2f, .1f, -.3f, NAN}), row({.5f, NAN, 1, 2})}),
                      mask = at::cat({bits({1, 1, 1, 0}), bits({1, 0, 1, 1})});
  const torch::Tensor rewards = token_rewards(torch::tensor({1.f, -2.f}), kl, mask, .1);
  expect_near(rewards, {-.02, -.01, 1.03, 0, -.05, 0, -.1, -2.2});
  expect_near(reply_rewards(torch::tensor({1.f, -2.f}), kl, mask, .1), {1, -2.35});
}

TEST(TokenRewards, AReplyWithoutATokenGetsNothing) {
  expect_near(token_rewards(torch::tensor({7.f}), row({1, 1}), bits({0, 0}), .1), {0, 0});
}

TEST(TokenRewards, CarryNoGradient) {
  const torch::Tensor kl = row({.2f}).set_requires_grad(true);
  EXPECT_FALSE(token_rewards(torch::tensor({1.f}), kl, bits({1}), .1).requires_grad());
}

TEST(TokenRewards, RefuseShapesThatDiffer) {
  EXPECT_THROW(token_rewards(torch::tensor({1.f, 2.f}), row({1}), bits({1}), .1), base::Error);
  EXPECT_THROW(token_rewards(torch::tensor({1.f}), row({1}), bits({1, 1}), .1), base::Error);
}

TEST(SoftLengthPenalty, HasThePublishedValues) {
  expect_near(soft_length_penalty(torch::tensor({1, 15, 16, 17, 18, 20, 21}), 20, 4),
              {0, 0, 0, -.25, -.5, -1, -1});
  EXPECT_THROW(soft_length_penalty(torch::tensor({1}), 20, 0), base::UsageError);
  EXPECT_THROW(soft_length_penalty(torch::tensor({1}), 20, 21), base::UsageError);
}

TEST(WithoutTruncated, LeavesOutWhatDidNotEnd) {
  const torch::Tensor mask = at::cat({bits({1, 1}), bits({1, 0})});
  expect_near(without_truncated(mask, torch::tensor({0, 1}).to(torch::kBool)).to(torch::kFloat32),
              {0, 0, 1, 0});
}

}  // namespace
}  // namespace rl
