#include "reward/item_facts.h"

#include <cmath>

#include <gtest/gtest.h>

namespace reward {
namespace {

Outcome outcome(int item, double liked, double weight, double useful = 0,
                double useful_weight = 0) {
  Outcome out;
  out.item = item;
  out.targets[static_cast<std::size_t>(Head::liked)] = liked;
  out.weights[static_cast<std::size_t>(Head::liked)] = weight;
  out.targets[static_cast<std::size_t>(Head::useful)] = useful;
  out.weights[static_cast<std::size_t>(Head::useful)] = useful_weight;
  return out;
}

double logit(double p) { return std::log(p / (1 - p)); }

// Item 0 was liked by the form and half liked by a reader, item 1 was not; 2 is unknown.
std::vector<Outcome> three() {
  return {outcome(0, 1, 1, 1, 1), outcome(0, .5, .4), outcome(1, 0, 1, 0, 1)};
}

TEST(ItemFacts, AreSumsByWeight) {
  const ItemFacts facts = count_items(three(), 3);
  EXPECT_EQ(facts.liked, (std::vector<double>{1.2, 0, 0}));  // 1 + .4 * .5
  EXPECT_EQ(facts.liked_known, (std::vector<double>{1.4, 1, 0}));
  EXPECT_EQ(facts.useful, (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(facts.useful_known, (std::vector<double>{1, 1, 0}));
}

TEST(ItemFacts, TheLikedRateIsDrawnToTheMeanOfAllAsIfByTenOutcomes) {
  const ItemFacts facts = count_items(three(), 3);
  EXPECT_NEAR(liked_rate(facts, 0), (1.2 + 10 * .5) / 11.4, 1e-12);  // the mean: 1.2 / 2.4
  EXPECT_NEAR(liked_rate(facts, 1), 5. / 11, 1e-12);
  EXPECT_NEAR(liked_rate(facts, 2), .5, 1e-12);
  EXPECT_NEAR(liked_rate(count_items({}, 3), 2), .5, 1e-12);
}

TEST(ItemFacts, AnOutcomeIsTakenOutOfItsOwnRate) {
  const std::vector<Outcome> all = three();
  EXPECT_NEAR(liked_rate(count_items(all, 3), 0, &all[0]), (.2 + 5) / 10.4, 1e-12);
}

dialogue::Dialogue recommends(std::vector<int> items) {
  dialogue::Dialogue d;
  dialogue::Turn turn;
  turn.role = dialogue::Role::recommender;
  turn.text = std::string(items.size(), '@');
  for (std::size_t i = 0; i < items.size(); ++i) turn.mentions.push_back({items[i], i, i + 1});
  d.turns = {turn};
  return d;
}

TEST(ItemFeatures, AreLogarithmsOfCountsLogitsOfRatesAndWhetherTheItemIsKnown) {
  const dialogue::Dialogue first = recommends({0, 1}), second = recommends({0});
  const recommend::Counts counts({&first, &second}, recommend::WordTable{}, 3);
  const std::vector<Outcome> all = three();
  const ItemFacts facts = count_items(all, 3);
  const ItemFeatures features(facts, counts);
  float row[kItemFeatures];
  const auto expect = [&](int item, const std::optional<ItemFeatures::Without>& without,
                          std::vector<double> expected) {
    features.fill(row, item, without);
    for (int i = 0; i < kItemFeatures; ++i)
      EXPECT_NEAR(row[i], expected[static_cast<std::size_t>(i)], 1e-6)
          << "item " << item << ", feature " << i;
  };
  const double two = .3 * std::log(3), one = .3 * std::log(2);
  expect(0, {}, {two, two, two, logit(6.2 / 11.4), logit(6. / 11), 1});
  expect(2, {}, {0, 0, 0, 0, 0, 0});
  // Without an outcome of its own, which was recent, and one which was not.
  expect(0, {{all[0], true}}, {one, one, one, logit(5.2 / 10.4), 0, 1});
  expect(0, {{all[0], false}}, {one, one, two, logit(5.2 / 10.4), 0, 1});
  // Named by that outcome's dialogue only: unknown.
  expect(1, {{all[2], true}}, {0, 0, 0, 0, 0, 0});
}

}  // namespace
}  // namespace reward
