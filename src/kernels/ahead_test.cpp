#include "kernels/ahead.h"

#include <vector>

#include <gtest/gtest.h>

namespace kernels {
namespace {

TEST(Ahead, PartsAdjoinAndAreOfWholeLines) {
  const std::vector<std::byte> memory(1000);
  for (const std::int64_t bytes : {0, 64, 100, 1000})
    for (const std::int64_t parts : {1, 3, 7}) {
      const Ahead all{memory.data(), bytes};
      const std::byte* next = all.begin;
      for (std::int64_t i = 0; i < parts; ++i) {
        const Ahead part = all.part(i, parts);
        EXPECT_EQ(part.begin, next);
        EXPECT_GE(part.bytes, 0);
        EXPECT_TRUE(part.bytes % Ahead::kLine == 0 || i + 1 == parts);
        next = part.begin + part.bytes;
      }
      EXPECT_EQ(next, all.begin + bytes);
    }
}

TEST(Ahead, IsAllFetchedInTheTimesThatWereAskedForAndNoFurther) {
  const std::vector<std::byte> memory(1000);
  for (const std::int64_t bytes : {0, 1, 64, 130, 1000})
    for (const std::int64_t times : {1, 2, 5, 40}) {
      Ahead left{memory.data(), bytes};
      const std::int64_t lines = left.lines_each(times);
      for (std::int64_t i = 0; i + 1 < times && left.bytes > 0; ++i) left.fetch(lines);
      left.fetch(lines);
      EXPECT_LE(left.bytes, 0);
      const std::byte* end = left.begin;
      left.fetch(lines);
      EXPECT_EQ(left.begin, end);
    }
}

}  // namespace
}  // namespace kernels
