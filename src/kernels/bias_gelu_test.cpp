#include "kernels/bias_gelu.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "base/error.h"
#include "kernels/compute.h"
#include "kernels/test_tensors.h"

namespace kernels {
namespace {

using testing::relative_error;

torch::Tensor random(c10::IntArrayRef shape, std::uint64_t seed, torch::Dtype type) {
  return testing::random(shape, seed).to(type);
}

void expect_bias_gelu_as_in_fp64(torch::Dtype type, double tolerance) {
  torch::Tensor x = random({37, 83}, 1, type) * 2;
  x[0].fill_(40);   // where the gate is 1
  x[1].fill_(-40);  // and where it is 0
  const torch::Tensor bias = random({83}, 2, type), upstream = random({37, 83}, 3, type);
  const torch::Tensor out = bias_gelu(x, bias);
  const BiasGeluGradients ours = bias_gelu_backward(upstream, x, bias);

  const torch::Tensor x64 = x.to(torch::kFloat64).requires_grad_(true),
                      bias64 = bias.to(torch::kFloat64).requires_grad_(true);
  const torch::Tensor wanted = at::gelu(x64 + bias64, "tanh");
  const auto gradients =
      torch::autograd::grad({wanted}, {x64, bias64}, {upstream.to(torch::kFloat64)});
  EXPECT_EQ(out.dtype(), type);
  EXPECT_LT(relative_error(out, wanted), tolerance);
  EXPECT_LT(relative_error(ours.x, gradients[0]), tolerance);
  EXPECT_LT(relative_error(ours.bias, gradients[1]), tolerance);
}

TEST(BiasGelu, AgreesWithFp64ForwardAndBackward) {
  expect_bias_gelu_as_in_fp64(torch::kFloat32, 1e-6);
}

TEST(BiasGelu, InBf16AgreesWithFp64ButForTheRoundingOfItsResult) {
  expect_bias_gelu_as_in_fp64(torch::kBFloat16, 4e-3);
}

TEST(BiasGelu, RefusesABiasOfAnotherWidth) {
  EXPECT_THROW(bias_gelu(torch::ones({2, 4}), torch::ones({3})), base::Error);
}

TEST(RowSum, IsOneToTheBitWhateverTheThreads) {
  const int before = use_threads(0);
  const torch::Tensor x = random({64, 2304}, 1, torch::kFloat32);
  use_threads(1);
  const torch::Tensor one = row_sum(x);
  use_threads(8);
  EXPECT_TRUE(at::equal(row_sum(x), one));
  use_threads(before);
}

TEST(RowSum, AddsUpTheRows) {
  const torch::Tensor x = random({50, 19}, 1, torch::kFloat32);
  EXPECT_LT(relative_error(row_sum(x), x.to(torch::kFloat64).sum(0)), 1e-6);
  const torch::Tensor none = torch::empty({0, 19});
  EXPECT_TRUE(at::equal(row_sum(none), torch::zeros({19})));
}

}  // namespace
}  // namespace kernels
