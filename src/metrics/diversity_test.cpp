#include "metrics/diversity.h"

#include <gtest/gtest.h>

namespace metrics {
namespace {

TEST(Diversity, DistinctCountsOverAllRepliesTogether) {
  const std::vector<std::vector<std::string>> replies = {{"i", "like", "it"}, {"i", "like", "you"}};
  EXPECT_EQ(distinct(replies, 1).unique, 4u);
  EXPECT_EQ(distinct(replies, 1).total, 6u);
  EXPECT_DOUBLE_EQ(distinct(replies, 2).ratio(), 3.0 / 4);  // "i like" twice; none over the end
  EXPECT_EQ(distinct(replies, 4).total, 0u);
  EXPECT_EQ(distinct(replies, 4).ratio(), 0);
  EXPECT_DOUBLE_EQ(distinct(std::vector<std::vector<int>>{{1, 1, 1, 1}}, 2).ratio(), 1.0 / 3);
}

}  // namespace
}  // namespace metrics
