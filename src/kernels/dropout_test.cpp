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

TEST(Dropout, KeepsTheMeanInBothTypesWithOneMask) {
  const torch::Tensor x = torch::linspace(1, 3, 100000), y = with_dropout(x, .25, 7);
  // A value is 0 or 4/3 of itself: the mean's deviation is 2.1 * sqrt(1/3) / sqrt(100000) = .004.
  EXPECT_NEAR(y.mean().item<float>(), 2, .02);
  const torch::Tensor half = with_dropout(x.to(torch::kBFloat16), .25, 7);
  EXPECT_NEAR(half.to(torch::kFloat32).mean().item<float>(), 2, .02);
  EXPECT_TRUE(at::equal(half == 0, y == 0));
}

TEST(Dropout, InBf16EveryValueIsRoundedToTheNearest) {
  const torch::Tensor x = torch::linspace(-3, 3, 5000).to(torch::kBFloat16);
  const torch::Tensor y = with_dropout(x, .25, 7);
  const torch::Tensor scaled = (x.to(torch::kFloat32) * (1 / .75f)).to(torch::kBFloat16);
  EXPECT_TRUE(at::equal(y.masked_select(y != 0), scaled.masked_select(y != 0)));
}

TEST(Dropout, InBf16TheGradientUsesTheMaskOfTheForwardPass) {
  torch::Tensor residual = torch::ones({50000}, torch::kBFloat16).requires_grad_(true),
                x = torch::ones({50000}, torch::kBFloat16).requires_grad_(true);
  const torch::Tensor y = add_dropout(residual, x, .5, 11);
  (3 * y).sum().backward();
  EXPECT_TRUE(at::equal(x.grad(), 3 * (y.detach() - 1)));  // 0 or 2, so nothing is rounded
  EXPECT_TRUE(at::equal(residual.grad(), torch::full({50000}, 3., torch::kBFloat16)));
}

TEST(Dropout, NeighbouringElementsAreDroppedIndependently) {
  const torch::Tensor kept = (with_dropout(torch::ones({100000}), .5, 3) > 0).to(torch::kFloat32);
  for (const std::int64_t apart : {1, 2, 8, 16, 64}) {
    const std::int64_t n = kept.size(0) - apart;
    EXPECT_NEAR((kept.narrow(0, 0, n) * kept.narrow(0, apart, n)).mean().item<float>(), .25, .01)
        << apart << " apart";
  }
}

TEST(Dropout, ZeroProbabilityIsASum) {
  EXPECT_TRUE(
      at::equal(add_dropout(torch::ones({3}), torch::ones({3}), 0, 1), torch::full({3}, 2.f)));
}

}  // namespace
}  // namespace kernels
