#include "kernels/adamw.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/test_tensors.h"

namespace kernels {
namespace {

using testing::apart;
using testing::random;

AdamWTensors tensors(std::vector<std::int64_t> shape, std::uint64_t seed) {
  return {random(shape, seed), random(shape, seed + 1), random(shape, seed + 2) * .1,
          random(shape, seed + 3).square() * .1, torch::Tensor()};
}

AdamWTensors clone(const AdamWTensors& t) {
  return {t.parameter.clone(), t.gradient.clone(), t.first_moment.clone(), t.second_moment.clone(),
          torch::Tensor()};
}

const AdamWStep kStep{.learning_rate = .01, .weight_decay = .1, .step = 3, .gradient_divisor = 2.5};

TEST(AdamWStep, IsLibtorchsFusedStepOverSeveralTensors) {
  // One that is longer than what a thread takes at a time, one that fills no vector.
  std::vector<AdamWTensors> ours = {tensors({300, 301}, 1), tensors({7}, 9)};
  std::vector<torch::Tensor> parameters, gradients, first, second, steps;
  for (const AdamWTensors& t : ours) {
    const AdamWTensors theirs = clone(t);
    parameters.push_back(theirs.parameter);
    gradients.push_back(theirs.gradient);
    first.push_back(theirs.first_moment);
    second.push_back(theirs.second_moment);
    steps.push_back(torch::full({}, kStep.step));
  }
  adamw_step(ours, kStep);
  at::_fused_adamw_(parameters, gradients, first, second, {}, steps, kStep.learning_rate,
                    kStep.beta1, kStep.beta2, kStep.weight_decay, kStep.epsilon, false, false,
                    torch::tensor(static_cast<float>(kStep.gradient_divisor)));
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_LT(apart(ours[i].parameter, parameters[i]), 1e-6);
    EXPECT_LT(apart(ours[i].first_moment, first[i]), 1e-6);
    EXPECT_LT(apart(ours[i].second_moment, second[i]), 1e-6);
  }
}

TEST(AdamWStep, TakesGradientsInBf16AndWritesTheCopy) {
  AdamWTensors half = tensors({30, 11}, 1), full = clone(half);
  half.gradient = half.gradient.to(torch::kBFloat16);
  full.gradient = half.gradient.to(torch::kFloat32);
  half.copy = torch::empty({30, 11}, torch::kBFloat16);
  adamw_step({half}, kStep);
  adamw_step({full}, kStep);
  EXPECT_TRUE(at::equal(half.parameter, full.parameter));
  EXPECT_TRUE(at::equal(half.copy, half.parameter.to(torch::kBFloat16)));
}

TEST(AdamWStep, RefusesAGradientOfAnotherShape) {
  AdamWTensors t = tensors({4, 3}, 1);
  t.gradient = random({3, 4}, 1);
  EXPECT_THROW(adamw_step({t}, kStep), base::Error);
}

TEST(GlobalNorm, IsThatOfAllNumbersTogether) {
  const torch::Tensor a = random({300, 301}, 1), b = random({5}, 2).to(torch::kBFloat16);
  const double wanted =
      at::cat({a.view({-1}).to(torch::kFloat64), b.to(torch::kFloat64)}).norm().item<double>();
  EXPECT_NEAR(global_norm({a, b}), wanted, 1e-6 * wanted);
  EXPECT_EQ(global_norm({torch::tensor({3.f}), torch::tensor({4.f})}), 5);
  EXPECT_TRUE(std::isnan(global_norm({torch::tensor({NAN})})));
}

}  // namespace
}  // namespace kernels
