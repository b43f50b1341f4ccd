#pragma once

#include <cstdint>

#include <torch/types.h>

// Tensors for tests, and how far two of them are apart.
namespace kernels::testing {

// fp32 draws from a normal distribution, a function of shape and seed.
inline torch::Tensor random(c10::IntArrayRef shape, std::uint64_t seed, double deviation = 1) {
  return deviation * at::randn(shape, at::detail::createCPUGenerator(seed), torch::kFloat32);
}

// The largest difference.
inline double apart(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.cpu().to(torch::kFloat64) - b.cpu().to(torch::kFloat64)).abs().max().item<double>();
}

// The norm of the difference over that of what was wanted.
inline double relative_error(const torch::Tensor& found, const torch::Tensor& wanted) {
  const torch::Tensor exact = wanted.to(torch::kFloat64);
  return ((found.to(torch::kFloat64) - exact).norm() / exact.norm()).item<double>();
}

}  // namespace kernels::testing
