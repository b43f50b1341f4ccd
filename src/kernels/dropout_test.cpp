#include "kernels/dropout.h"

#include <gtest/gtest.h>

namespace kernels {
namespace {

TEST(Dropout, KeepsItsShareAndScalesIt) {
  const torch::Tensor y = with_dropout(torch::ones({100000}), .3, 42);
  EXPECT_NEAR((y == 0).to(torch::kFloat32).mean().item<float>(), .3, .01);
  EXPECT_NEAR(y.max().item<float>(), 1 / .7, 1e-5);
}

TEST(Dropout, OneKeyGivesOneMaskAndAnotherKeyAnother) {
  const torch::Tensor x = torch::ones({1000});
  EXPECT_TRUE(at::equal(with_dropout(x, .5, 1), with_dropout(x, .5, 1)));
  EXPECT_FALSE(at::equal(with_dropout(x, .5, 1), with_dropout(x, .5, 2)));
}

TEST(Dropout, TheGradientUsesTheSameMaskAndTheResidualPassesThrough) {
  torch::Tensor residual = torch::zeros({1000}).requires_grad_(true),
                x = torch::ones({1000}).requires_grad_(true);
  const torch::Tensor y = add_dropout(residual, x, .5, 9);
  y.sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), y.detach()));
  EXPECT_TRUE(at::equal(residual.grad(), torch::ones({1000})));
}

TEST(Dropout, ZeroProbabilityIsASum) {
  EXPECT_TRUE(
      at::equal(add_dropout(torch::ones({3}), torch::ones({3}), 0, 1), torch::full({3}, 2.f)));
}

}  // namespace
}  // namespace kernels
