#include "kernels/passing_thread.h"

#include <thread>

#include <gtest/gtest.h>

#include "base/error.h"

namespace kernels {
namespace {

TEST(PassingThread, WorksElsewhereAndReturnsWhatTheWorkReturns) {
  const std::thread::id there = on_passing_thread([] { return std::this_thread::get_id(); });
  EXPECT_NE(there, std::this_thread::get_id());
}

TEST(PassingThread, ThrowsWhatTheWorkThrows) {
  EXPECT_THROW(on_passing_thread([] { throw base::DataError("a file"); }), base::DataError);
}

}  // namespace
}  // namespace kernels
