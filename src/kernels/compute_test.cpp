#include "kernels/compute.h"

#include <set>

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include "base/error.h"

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

TEST(DefaultBackend, IsNativeUntilAnotherIsNamed) {
  EXPECT_EQ(default_backend(), Backend::native);
  set_default_backend(backend_named("reference"));
  EXPECT_EQ(default_backend(), Backend::reference);
  set_default_backend(backend_named("native"));
  EXPECT_EQ(default_backend(), Backend::native);
  EXPECT_THROW(backend_named("fast"), base::UsageError);
}

}  // namespace
}  // namespace kernels
