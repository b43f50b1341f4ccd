#pragma once

#include <vector>

#include <gtest/gtest.h>
#include <torch/types.h>

// Short rows of numbers, for the tests of the plain functions.
namespace rl::testing {

inline torch::Tensor row(std::vector<float> values) { return torch::tensor(values).unsqueeze(0); }
inline torch::Tensor everywhere(const torch::Tensor& x) {
  return torch::ones(x.sizes(), torch::kBool);
}
inline torch::Tensor bits(std::vector<int> values) {
  return torch::tensor(values).to(torch::kBool).unsqueeze(0);
}

inline void expect_near(const torch::Tensor& x, const std::vector<double>& expected,
                        double tolerance = 1e-5) {
  const torch::Tensor flat = x.to(torch::kFloat64).reshape({-1});
  ASSERT_EQ(flat.numel(), static_cast<std::int64_t>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(flat[static_cast<std::int64_t>(i)].item<double>(), expected[i], tolerance)
        << "at " << i;
}

}  // namespace rl::testing
