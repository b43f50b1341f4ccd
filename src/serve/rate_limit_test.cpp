#include "serve/rate_limit.h"

#include <gtest/gtest.h>

namespace serve {
namespace {

using Clock = std::chrono::steady_clock;

TEST(RateLimit, GivesAMinutesMeasureAtOnceAndThenItsPace) {
  RateLimit limit;
  const Clock::time_point start{};
  const auto take = [&](const char* who, int second) {
    return limit.take(who, 2, start + std::chrono::seconds(second));
  };
  EXPECT_FALSE(take("ann", 0));
  EXPECT_FALSE(take("ann", 0));
  EXPECT_NEAR(*take("ann", 0), 30, 1e-9);  // two a minute: one every 30 seconds
  EXPECT_NEAR(*take("ann", 20), 10, 1e-9);
  EXPECT_FALSE(take("bob", 20));
  EXPECT_FALSE(take("ann", 30));
  EXPECT_NEAR(*take("ann", 45), 15, 1e-9);
}

TEST(RateLimit, ForgetsNobodyWhoHasNoMeasureLeft) {
  RateLimit limit;
  const Clock::time_point start{};
  EXPECT_FALSE(limit.take("ann", 1, start + std::chrono::seconds(90)));
  EXPECT_FALSE(limit.take("bob", 1, start + std::chrono::seconds(130)));
  EXPECT_NEAR(*limit.take("ann", 1, start + std::chrono::seconds(149)), 1, 1e-9);
  EXPECT_NEAR(*limit.take("bob", 1, start + std::chrono::seconds(155)), 35, 1e-9);
}

}  // namespace
}  // namespace serve
