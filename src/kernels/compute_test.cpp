#include "kernels/compute.h"

#include <set>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace kernels {
namespace {

TEST(UseThreads, WorkIsSharedByAsManyAsWereAskedFor) {
  const int before = use_threads(0);
  EXPECT_EQ(use_threads(3), 3);
  std::vector<int> workers(3, -1);
  at::parallel_for(0, 3, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      workers[static_cast<std::size_t>(i)] = at::get_thread_num();
  });
  EXPECT_EQ(std::set<int>(workers.begin(), workers.end()), (std::set<int>{0, 1, 2}));
  use_threads(before);
}

}  // namespace
}  // namespace kernels
