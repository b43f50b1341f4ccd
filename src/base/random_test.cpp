#include "base/random.h"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "base/hash.h"

namespace base {
namespace {

TEST(Random, OnePlaceAlwaysGivesTheSame) {
  Random one({7, "sft", 3, 1}), same({7, "sft", 3, 1});
  for (int i = 0; i < 100; ++i) EXPECT_EQ(one.bits(), same.bits());
}

TEST(Random, AnyOtherPlaceGivesSomethingElse) {
  const RandomPlace places[] = {{7, "sft", 3, 1}, {8, "sft", 3, 1}, {7, "rl", 3, 1},
                                {7, "sft", 4, 1}, {7, "sft", 3, 2}, {7, "sft", 1, 3}};
  std::set<std::uint64_t> keys;
  std::set<std::uint32_t> first;
  for (const RandomPlace& place : places) {
    keys.insert(random_key(place));
    first.insert(Random(place).bits());
  }
  EXPECT_EQ(keys.size(), 6u);
  EXPECT_EQ(first.size(), 6u);
}

TEST(Random, NeighbouringStreamsAreNotCorrelated) {
  const int n = 20000;
  double product = 0;
  Random a({1, "x", 0, 0}), b({1, "x", 0, 1});
  for (int i = 0; i < n; ++i) product += a.normal() * b.normal();
  EXPECT_NEAR(product / n, 0, 4 / std::sqrt(n));  // four standard errors
}

TEST(Random, MomentsAreThoseOfTheDistributions) {
  const int n = 100000;
  Random random({1, "moments"});
  double sum = 0, squares = 0, normal_sum = 0, normal_squares = 0;
  for (int i = 0; i < n; ++i) {
    const double u = random.uniform(), z = random.normal();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += u, squares += u * u, normal_sum += z, normal_squares += z * z;
  }
  // Four standard errors: sqrt(1/12/n) = .00091, 1/sqrt(n) = .0032, sqrt(2/n) = .0045.
  EXPECT_NEAR(sum / n, .5, .0037);
  EXPECT_NEAR(squares / n, 1. / 3, .0038);
  EXPECT_NEAR(normal_sum / n, 0, .0127);
  EXPECT_NEAR(normal_squares / n, 1, .018);
}

TEST(Random, BelowAndChooseKeepToTheirBounds) {
  Random random({1, "bounds"});
  int counts[3] = {0, 0, 0};
  for (int i = 0; i < 4000; ++i) {
    ASSERT_LT(random.below(3), 3u);
    ++counts[random.choose({1, 0, 3})];
  }
  EXPECT_EQ(counts[1], 0);
  EXPECT_NEAR(counts[2], 3000, 4 * std::sqrt(750));
  EXPECT_EQ(random.below(1), 0u);
}

TEST(Random, AShuffleKeepsAllItems) {
  Random random({1, "shuffle"});
  std::vector<int> items(50);
  for (int i = 0; i < 50; ++i) items[static_cast<std::size_t>(i)] = i;
  const std::vector<int> before = items;
  random.shuffle(items);
  EXPECT_NE(items, before);
  EXPECT_EQ(std::set<int>(items.begin(), items.end()).size(), 50u);
}

TEST(Hash, Sha256AndTheStableHashAreThePublishedOnes) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(stable_hash("a"), 0xaf63dc4c8601ec8cu);  // FNV-1a, 64 bits
}

}  // namespace
}  // namespace base
