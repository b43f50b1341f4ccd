#include "text/bpe.h"

#include <numeric>
#include <string>

#include <gtest/gtest.h>

namespace text {
namespace {

std::vector<int> bytes_as_ids() {
  std::vector<int> out(256);
  std::iota(out.begin(), out.end(), 0);
  return out;
}

TEST(Bpe, TheEarliestMergeGoesFirstAndThenTheLeftmost) {
  // a + b before b + c: "abc" is ab c. a + a in "aaa" joins the first two.
  const Bpe bpe(bytes_as_ids(), {{'a', 'b', 256}, {'b', 'c', 257}, {'a', 'a', 258}});
  EXPECT_EQ(bpe.merge("abc").ids, (std::vector<int>{256, 'c'}));
  EXPECT_EQ(bpe.merge("xbc").ids, (std::vector<int>{'x', 257}));
  EXPECT_EQ(bpe.merge("aaa").ids, (std::vector<int>{258, 'a'}));
  EXPECT_TRUE(bpe.merge("").ids.empty());
}

TEST(Bpe, MergedTokensMergeAgain) {
  const Bpe bpe(bytes_as_ids(), {{'l', 'o', 256}, {256, 'w', 257}, {257, 257, 258}});
  EXPECT_EQ(bpe.merge("lowlow").ids, (std::vector<int>{258}));
  EXPECT_EQ(bpe.merge("lowlo").ids, (std::vector<int>{257, 256}));
}

TEST(Bpe, AWordOfOneLetterCostsAtMostThreeStepsAByte) {
  std::vector<Merge> merges = {{'a', 'a', 256}};
  for (int id = 256; id < 264; ++id) merges.push_back({id, id, id + 1});
  const Bpe bpe(bytes_as_ids(), merges);
  for (const int length : {1000, 10'000, 100'000}) {
    const MergedWord merged = bpe.merge(std::string(length, 'a'));
    EXPECT_LE(merged.steps, 3 * length);
    EXPECT_GE(merged.steps, length - 1);
  }
}

}  // namespace
}  // namespace text
