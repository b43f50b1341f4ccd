#include "feedback/clicks.h"

#include <gtest/gtest.h>

namespace feedback {
namespace {

using dialogue::Role;

dialogue::Catalogue catalogue() {
  return dialogue::Catalogue({{"a", "A", "movie", {}, {}},
                              {"b", "B", "movie", {}, {}},
                              {"c", "C", "movie", {}, {}},
                              {"d", "D", "movie", {}, {}}});
}

dialogue::Turn turn(const std::string& id, Role role, const std::vector<int>& items) {
  dialogue::Turn turn;
  turn.id = id;
  turn.role = role;
  for (std::size_t i = 0; i < items.size(); ++i) {
    turn.text += "x ";
    turn.mentions.push_back({items[i], 2 * i, 2 * i + 1});
  }
  return turn;
}

// The seeker names B; the recommender shows A, B and C, of which C is taken up, then D, which
// nobody watched.
dialogue::Dialogue watched() {
  dialogue::Dialogue d;
  d.turns = {turn("0", Role::seeker, {1}), turn("1", Role::recommender, {0, 1, 2}),
             turn("2", Role::seeker, {}), turn("3", Role::recommender, {3})};
  d.events = {{"impression", "1", "a", 1, {}}, {"accept", "1", "c", 2, 1}};
  return d;
}

TEST(Clicks, ASlateHasWhatIsNewWithItsPlaceAndWhetherItWasTakenUp) {
  const dialogue::Dialogue d = watched();
  const std::vector<Slate> slates = read_slates({&d}, catalogue());
  ASSERT_EQ(slates.size(), 1u);  // nobody watched the last turn
  EXPECT_EQ(slates[0].dialogue, &d);
  EXPECT_EQ(slates[0].turn, 1u);
  ASSERT_EQ(slates[0].items.size(), 2u);  // B was named before
  EXPECT_EQ(slates[0].items[0].item, 0);
  EXPECT_EQ(slates[0].items[0].place, 1);
  EXPECT_FALSE(slates[0].items[0].accepted);
  EXPECT_EQ(slates[0].items[1].item, 2);
  EXPECT_EQ(slates[0].items[1].place, 3);
  EXPECT_TRUE(slates[0].items[1].accepted);
}

TEST(Clicks, WhatIsTakenUpIsTheLargestOfTheAcceptEvents) {
  dialogue::Dialogue d = watched();
  d.events.push_back({"accept", "1", "a", 3, .3});
  d.events.push_back({"accept", "1", "a", 4, .4});
  d.events.push_back({"rating", "1", "a", 4, 1});  // is no click
  EXPECT_EQ(taken_up(d, 1, 0, catalogue()), .4);
  EXPECT_EQ(taken_up(d, 1, 1, catalogue()), 0);
  EXPECT_EQ(taken_up(d, 1, 2, catalogue()), 1);
  EXPECT_EQ(taken_up(d, 3, 3, catalogue()), std::nullopt);
  EXPECT_FALSE(read_slates({&d}, catalogue())[0].items[0].accepted);  // not by half
}

TEST(Clicks, AnEventWithoutItemIsAboutTheFirst) {
  dialogue::Dialogue d = watched();
  d.events = {{"accept", "1", "", 2, {}}};
  EXPECT_EQ(taken_up(d, 1, 0, catalogue()), 1);
  EXPECT_EQ(taken_up(d, 1, 2, catalogue()), 0);
}

TEST(Clicks, DialoguesWithoutEventsHaveNone) {
  dialogue::Dialogue d = watched();
  d.events.clear();
  EXPECT_TRUE(read_slates({&d}, catalogue()).empty());
}

}  // namespace
}  // namespace feedback
