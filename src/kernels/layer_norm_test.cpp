#include "kernels/layer_norm.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "base/error.h"
#include "kernels/dropout.h"
#include "kernels/test_tensors.h"

namespace kernels {
namespace {

using testing::relative_error;

torch::Tensor random(c10::IntArrayRef shape, std::uint64_t seed, torch::Dtype type) {
  return testing::random(shape, seed).to(type);
}

// Rows of numbers far from 0, more of them than parts and a width that fills no vector; bf16 rounds
// each result to 8 bits.
void expect_layer_norm_as_in_fp64(torch::Dtype type, double tolerance) {
  const torch::Tensor x = random({37, 83}, 1, type) * 2 + 3, weight = random({83}, 2, type),
                      bias = random({83}, 3, type), upstream = random({37, 83}, 4, type),
                      also = random({37, 83}, 5, type);
  const Normed normed = layer_norm(x, weight, bias, 1e-5);
  const NormGradients ours = layer_norm_backward(upstream, x, weight, normed.moments, also);

  const auto exact = [](const torch::Tensor& of) {
    return of.to(torch::kFloat64).requires_grad_(true);
  };
  const torch::Tensor x64 = exact(x), weight64 = exact(weight), bias64 = exact(bias);
  const torch::Tensor wanted = at::layer_norm(x64, {83}, weight64, bias64, 1e-5);
  const auto gradients =
      torch::autograd::grad({wanted}, {x64, weight64, bias64}, {upstream.to(torch::kFloat64)});
  EXPECT_EQ(normed.out.dtype(), type);
  EXPECT_LT(relative_error(normed.out, wanted), tolerance);
  EXPECT_LT(relative_error(ours.x, gradients[0] + also.to(torch::kFloat64)), tolerance);
  EXPECT_LT(relative_error(ours.weight, gradients[1]), tolerance);
  EXPECT_LT(relative_error(ours.bias, gradients[2]), tolerance);
  EXPECT_LT(
      relative_error(layer_norm_backward(upstream, x, weight, normed.moments, {}).x, gradients[0]),
      tolerance);
}

TEST(LayerNorm, AgreesWithFp64ForwardAndBackward) {
  expect_layer_norm_as_in_fp64(torch::kFloat32, 1e-6);
}

TEST(LayerNorm, InBf16AgreesWithFp64ButForTheRoundingOfItsResult) {
  expect_layer_norm_as_in_fp64(torch::kBFloat16, 4e-3);
}

TEST(LayerNorm, OfAResidualIsThatOfTheSumWithDropout) {
  for (const torch::Dtype type : {torch::kFloat32, torch::kBFloat16}) {
    const torch::Tensor residual = random({9, 40}, 1, type), x = random({9, 40}, 2, type),
                        weight = random({40}, 3, type), bias = random({40}, 4, type);
    const ResidualNormed both = add_dropout_layer_norm(residual, x, .25, 7, weight, bias, 1e-5);
    const torch::Tensor sum = add_dropout(residual, x, .25, 7);
    EXPECT_TRUE(at::equal(both.sum, sum));
    const Normed normed = layer_norm(sum, weight, bias, 1e-5);
    EXPECT_TRUE(at::equal(both.normed.out, normed.out));
    EXPECT_TRUE(at::equal(both.normed.moments, normed.moments));
  }
}

TEST(LayerNorm, RefusesAWeightOfAnotherWidth) {
  const torch::Tensor x = torch::ones({2, 4}), weight = torch::ones({3});
  EXPECT_THROW(layer_norm(x, weight, weight, 1e-5), base::Error);
}

}  // namespace
}  // namespace kernels
