#include "rl/masked.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "rl/test_rows.h"

namespace rl {
namespace {

using namespace testing;

TEST(Masked, MeanVarianceAndWhiteningKnowTwoOfFourValues) {
  const torch::Tensor x = row({1, 2, 3, 4}), mask = bits({0, 1, 1, 0});
  EXPECT_DOUBLE_EQ(masked_mean(x, mask).item<double>(), 2.5);
  EXPECT_DOUBLE_EQ(masked_variance(x, mask).item<double>(), .5);
  expect_near(whiten(x, mask), {0, -.70711, .70711, 0});
}

TEST(Masked, WhiteningThatKeepsTheMeanHasThePublishedValues) {
  const torch::Tensor x = row({1.2f, 1.3f, 1.4f, 1.5f, 1.6f, 1.7f, 1.8f, 1.9f, 2.0f});
  expect_near(whiten_keeping_mean(x, everywhere(x)),
              {.1394, .5046, .8697, 1.2349, 1.6, 1.9651, 2.3303, 2.6954, 3.0606}, 1e-4);
}

TEST(Masked, WhiteningOneValueFailsLoudly) {
  const torch::Tensor x = row({1, 2});
  EXPECT_THROW(whiten(x, bits({1, 0})), base::Error);
}

}  // namespace
}  // namespace rl
