#include "metrics/perplexity.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"

namespace metrics {
namespace {

TEST(Perplexity, OfOneInEightIsEight) {
  EXPECT_NEAR(perplexity(4 * std::log(1.0 / 8), 4), 8, 1e-9);
  EXPECT_NEAR(bits_per_byte(4 * std::log(1.0 / 8), 6), 2, 1e-9);  // 12 bits over 6 bytes
  EXPECT_THROW(perplexity(0, 0), base::Error);
  EXPECT_THROW(bits_per_byte(0, 0), base::Error);
}

}  // namespace
}  // namespace metrics
