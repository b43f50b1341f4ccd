#pragma once

#include <string>

#include <gtest/gtest.h>

#include "kernels/compute.h"
#include "kernels/cuda.h"
#include "kernels/test_tensors.h"

// Tests that run on the processor and, where there is one, on a GPU.
namespace kernels::testing {

class OnDevice : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "cuda" && !cuda::has_device()) GTEST_SKIP() << "no CUDA device";
  }
  torch::Device device() const { return device_named(GetParam()); }
};

inline std::string name_of_device(const ::testing::TestParamInfo<std::string>& info) {
  return info.param;
}

}  // namespace kernels::testing

#define ATTUNE_ON_DEVICES(suite)                                            \
  INSTANTIATE_TEST_SUITE_P(Device, suite, ::testing::Values("cpu", "cuda"), \
                           kernels::testing::name_of_device)
