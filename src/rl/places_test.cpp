#include "rl/places.h"

#include <map>

#include <gtest/gtest.h>

#include "train/test_dialogues.h"

namespace rl {
namespace {

using dialogue::Role;
using train::testing::turn;

// The recommender opens, repeats what the seeker named, names one that is new, and says thanks.
dialogue::Dialogue mixed() {
  dialogue::Dialogue d;
  d.turns = {turn(Role::recommender, "hello"),        turn(Role::seeker, "I liked @", 0),
             turn(Role::recommender, "@ is good", 0), turn(Role::seeker, "yes"),
             turn(Role::recommender, "then @", 2),    turn(Role::recommender, "enjoy")};
  return d;
}

TEST(Places, AreTheRecommendersTurnsThatHaveSomethingBeforeThem) {
  const dialogue::Dialogue d = mixed();
  const Places places = find_places({&d});
  ASSERT_EQ(places.all.size(), 3u);
  const std::vector<std::pair<std::size_t, int>> expected = {{2, -1}, {4, 2}, {5, -1}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(places.all[i].dialogue, &d);
    EXPECT_EQ(places.all[i].turn, expected[i].first);
    EXPECT_EQ(places.all[i].target, expected[i].second);
  }
  ASSERT_EQ(places.recommending.size(), 1u);
  EXPECT_EQ(places.recommending[0].turn, 4u);
  EXPECT_EQ(places.recommending[0].target, 2);
}

TEST(Places, OfSeveralItemsTheFirstNewOneIsTheTarget) {
  dialogue::Dialogue d = mixed();
  d.turns[4].text = "@ @ @";
  d.turns[4].mentions = {{0, 0, 1}, {1, 2, 3}, {2, 4, 5}};
  EXPECT_EQ(find_places({&d}).recommending[0].target, 1);
}

TEST(Places, AnItemNamedLongBeforeIsNotNew) {
  dialogue::Dialogue d = mixed();
  d.turns[4] = turn(Role::recommender, "again @", 0);
  EXPECT_TRUE(find_places({&d}).recommending.empty());
}

TEST(Places, AreDrawnEvenlyAndAgainFromTheSameRandomPlace) {
  const dialogue::Dialogue d = mixed();
  const Places places = find_places({&d});
  const auto turns = [&](const base::RandomPlace& at) {
    std::vector<std::size_t> turns;
    for (const Place& place : draw_places(places.all, 3000, at)) turns.push_back(place.turn);
    return turns;
  };
  const std::vector<std::size_t> drawn = turns({1, "test", 1, 0});
  EXPECT_EQ(drawn, turns({1, "test", 1, 0}));
  EXPECT_NE(drawn, turns({1, "test", 2, 0}));
  EXPECT_NE(drawn, turns({1, "test", 1, 1}));
  std::map<std::size_t, int> counts;
  for (const std::size_t turn : drawn) counts[turn] += 1;
  ASSERT_EQ(counts.size(), 3u);
  for (const auto& [turn, count] : counts) EXPECT_NEAR(count, 1000, 110) << turn;  // 4 deviations
}

TEST(Places, StatesAreThoseBeforeTheTurn) {
  const dialogue::Dialogue d = mixed();
  const std::vector<dialogue::State> states = states_before(find_places({&d}).all, {.window = 2});
  ASSERT_EQ(states.size(), 3u);
  EXPECT_EQ(states[0].turns, 2);
  EXPECT_EQ(states[1].turns, 4);
  EXPECT_EQ(states[1].window.size(), 2u);
  ASSERT_EQ(states[2].items.size(), 2u);
  EXPECT_EQ(states[2].items[1].item, 2);
}

}  // namespace
}  // namespace rl
