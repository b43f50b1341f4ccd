#include "metrics/correlation.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"

namespace metrics {
namespace {

using Values = std::vector<double>;
using Labels = std::vector<int>;
using Groups = std::vector<std::int64_t>;

TEST(Correlation, AucCountsPairsAndHalvesTies) {
  // Ones at 3 and 2, zeros at 1 and 2: won 1 + 1 + 1 + .5 of 4.
  EXPECT_DOUBLE_EQ(*auc(Values{3, 2, 1, 2}, Labels{1, 1, 0, 0}), 3.5 / 4);
  EXPECT_DOUBLE_EQ(*auc(Values{1, 1, 1}, Labels{1, 0, 0}), .5);
  EXPECT_EQ(auc(Values{1, 2}, Labels{1, 1}), std::nullopt);
  EXPECT_EQ(auc(Values{}, Labels{}), std::nullopt);
}

TEST(Correlation, GroupAucCountsPairsInsideAGroupOnly) {
  // Group 7: one pair, won. Group 8: two pairs, one won. Group 9: one class.
  const auto pooled =
      group_auc(Values{5, 4, 2, 1, 3, 9}, Labels{1, 0, 1, 0, 0, 1}, Groups{7, 7, 8, 8, 8, 9});
  EXPECT_DOUBLE_EQ(pooled->value, 2.0 / 3);
  EXPECT_EQ(pooled->pairs, 3);
  EXPECT_EQ(pooled->groups, 2u);
  EXPECT_FALSE(group_auc(Values{1, 2}, Labels{1, 0}, Groups{1, 2}));
}

TEST(Correlation, PearsonAndSpearmanAreWorkedOutByHand) {
  EXPECT_NEAR(*pearson(Values{1, 2, 3}, Values{1, 2, 4}), 3 / std::sqrt(2.0 * 14 / 3), 1e-12);
  EXPECT_NEAR(*spearman(Values{1, 2, 3}, Values{1, 20, 400}), 1, 1e-12);
  // Ranks 1.5 1.5 3 against 1 2 3: covariance 1.5, squares 1.5 and 2.
  EXPECT_NEAR(*spearman(Values{5, 5, 9}, Values{1, 2, 3}), 1.5 / std::sqrt(3.0), 1e-12);
  EXPECT_EQ(pearson(Values{1, 1}, Values{1, 2}), std::nullopt);
}

TEST(Correlation, WhatIsNoNumberOrNoLabelIsRefused) {
  EXPECT_THROW(auc(Values{std::nan("")}, Labels{1}), base::Error);
  EXPECT_THROW(auc(Values{1}, Labels{2}), base::Error);
  EXPECT_THROW(auc(Values{1}, Labels{1, 0}), base::Error);
  EXPECT_THROW(pearson(Values{1}, Values{1, 2}), base::Error);
}

TEST(Correlation, AWeightIsAsGoodAsCopiesOfTheRow) {
  base::Random random({.seed = 3, .stage = "test"});
  Values x, y, weights, many_x, many_y;
  Labels labels, many_labels;
  Groups groups, many_groups;
  for (int i = 0; i < 60; ++i) {
    x.push_back(static_cast<double>(random.below(8)));
    y.push_back(x.back() + static_cast<double>(random.below(8)));
    labels.push_back(static_cast<int>(random.below(2)));
    groups.push_back(i / 6);
    weights.push_back(static_cast<double>(i / 6 % 3));
    for (int copy = 0; copy < weights.back(); ++copy) {
      many_x.push_back(x.back());
      many_y.push_back(y.back());
      many_labels.push_back(labels.back());
      many_groups.push_back(groups.back() + 100 * copy);
    }
  }
  EXPECT_NEAR(*weighted_auc(x, labels)(weights), *auc(many_x, many_labels), 1e-12);
  EXPECT_NEAR(*weighted_group_auc(x, labels, groups)(weights),
              group_auc(many_x, many_labels, many_groups)->value, 1e-12);
  EXPECT_NEAR(*weighted_pearson(x, y)(weights), *pearson(many_x, many_y), 1e-12);
  EXPECT_NEAR(*weighted_spearman(x, y)(weights), *spearman(many_x, many_y), 1e-12);
  weights[0] = 5;  // unlike the rest of its group
  EXPECT_THROW(weighted_group_auc(x, labels, groups)(weights), base::Error);
}

}  // namespace
}  // namespace metrics
