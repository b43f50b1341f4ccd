#pragma once

#include <functional>
#include <vector>

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include "base/random.h"

// Random batches in fp64 and gradients by finite differences, for the property tests.
namespace rl::testing {

inline torch::Tensor normals(base::Random& random, std::vector<std::int64_t> sizes) {
  torch::Tensor out = torch::zeros(sizes, torch::kFloat64);
  for (std::int64_t i = 0; i < out.numel(); ++i) out.data_ptr<double>()[i] = random.normal();
  return out;
}

// [B, R] bool with gaps and padding anywhere; each row has one or more, all rows together fewer
// than B * R.
inline torch::Tensor random_mask(base::Random& random, std::int64_t batch, std::int64_t length) {
  torch::Tensor mask = torch::zeros({batch, length}, torch::kBool);
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t t = 0; t < length; ++t)
      mask.data_ptr<bool>()[b * length + t] = random.chance(.6);
    mask[b][static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(length)))] = true;
  }
  mask[0][length - 1] = false;
  mask[0][0] = true;
  return mask;
}

inline double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.to(torch::kFloat64) - b.to(torch::kFloat64)).abs().max().item<double>();
}

using Loss = std::function<torch::Tensor(const torch::Tensor&)>;  // of a tensor, 0-dim

inline torch::Tensor gradient_of(const Loss& loss, const torch::Tensor& at) {
  const torch::Tensor x = at.detach().clone().set_requires_grad(true);
  const torch::Tensor out = loss(x);
  EXPECT_EQ(out.dim(), 0);
  if (!out.requires_grad()) return torch::zeros_like(x);
  const torch::Tensor gradient = torch::autograd::grad({out}, {x}, {}, std::nullopt, false,
                                                       /*allow_unused=*/true)[0];
  return gradient.defined() ? gradient : torch::zeros_like(x);
}

inline torch::Tensor differences_of(const Loss& loss, const torch::Tensor& at, double step = 1e-6) {
  torch::NoGradGuard no_grad;
  torch::Tensor out = torch::zeros_like(at);
  for (std::int64_t i = 0; i < at.numel(); ++i) {
    const auto moved = [&](double by) {
      torch::Tensor x = at.detach().clone();
      x.data_ptr<double>()[i] += by;
      return loss(x).item<double>();
    };
    out.data_ptr<double>()[i] = (moved(step) - moved(-step)) / (2 * step);
  }
  return out;
}

inline void expect_gradient(const Loss& loss, const torch::Tensor& at) {
  EXPECT_LT(largest_difference(gradient_of(loss, at), differences_of(loss, at)), 1e-7);
}

}  // namespace rl::testing
