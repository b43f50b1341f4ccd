#include "metrics/parallel.h"

#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace metrics {
namespace {

TEST(Parallel, EveryNumberIsWorkedOnOnce) {
  std::vector<int> done(1000, 0);
  run_parallel(done.size(), [&](std::size_t i) { done[i] += static_cast<int>(i) + 1; });
  for (std::size_t i = 0; i < done.size(); ++i) EXPECT_EQ(done[i], static_cast<int>(i) + 1);
  run_parallel(0, [](std::size_t) { FAIL(); });
}

TEST(Parallel, TheFirstFailureIsThrownOnceAllIsDone) {
  std::vector<int> done(100, 0);
  try {
    run_parallel(done.size(), [&](std::size_t i) {
      done[i] = 1;
      if (i % 30 == 7) throw std::runtime_error(std::to_string(i));
    });
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "7");
  }
  EXPECT_EQ(std::accumulate(done.begin(), done.end(), 0), 100);
}

}  // namespace
}  // namespace metrics
