#include "dialogue/state.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace dialogue {
namespace {

Turn turn(Role role, std::vector<int> items, std::optional<double> sentiment = {}) {
  Turn turn;
  turn.role = role;
  turn.sentiment = sentiment;
  for (int item : items) {
    turn.mentions.push_back({item, turn.text.size(), turn.text.size() + 1});
    turn.text += "x ";
  }
  return turn;
}

// 0 seeker names 1 (liked), 1 recommender names 2 and 1, 2 seeker dislikes, 3 recommender names 3.
Dialogue example() {
  Dialogue dialogue;
  dialogue.turns = {turn(Role::seeker, {1}, .8), turn(Role::recommender, {2, 1, 2}),
                    turn(Role::seeker, {}, -.6), turn(Role::recommender, {3})};
  return dialogue;
}

TEST(State, NothingIsKnownBeforeTheFirstTurn) {
  const State state = state_before(example(), 0);
  EXPECT_TRUE(state.window.empty());
  EXPECT_TRUE(state.items.empty());
  EXPECT_EQ(state.turns, 0);
}

TEST(State, PolarityComesFromTheWordsAboutAnItem) {
  const State before = state_before(example(), 1);
  ASSERT_EQ(before.items.size(), 1u);
  EXPECT_EQ(before.items[0].polarity, Polarity::liked);
  const State after = state_before(example(), 3);
  ASSERT_EQ(after.items.size(), 2u);
  EXPECT_EQ(after.items[0].item, 2);  // in order of last mention
  EXPECT_EQ(after.items[0].polarity, Polarity::disliked);
  EXPECT_EQ(after.items[0].by, Role::recommender);
  EXPECT_EQ(after.items[0].count, 1);  // one turn, though named twice in it
  EXPECT_EQ(after.items[1].item, 1);
  EXPECT_EQ(after.items[1].polarity, Polarity::disliked);  // the latest words win
  EXPECT_EQ(after.items[1].count, 2);
}

TEST(State, WordsThatAreStillToComeAreNotUsed) {
  const State state = state_before(example(), 2);  // the reply to the recommendation is turn 2
  EXPECT_EQ(state.items[0].polarity, Polarity::unknown);
  EXPECT_EQ(state.items[1].polarity, Polarity::liked);  // silence takes nothing back
}

TEST(State, FormsAreNotUsed) {
  Dialogue dialogue = example();
  dialogue.turns[0].sentiment = {};
  dialogue.seeker_labels = {{1, true, true, true}};
  EXPECT_EQ(state_before(dialogue, 1).items[0].polarity, Polarity::unknown);
}

TEST(State, TheWindowIsTheLastTurnsAndEarlierItemsAreKept) {
  StateOptions options;
  options.window = 2;
  const State state = state_before(example(), 4, options);
  EXPECT_EQ(state.window.size(), 2u);
  EXPECT_EQ(state.turns, 4);
  const auto earlier = state.items_before_window();
  ASSERT_EQ(earlier.size(), 2u);
  EXPECT_EQ(earlier[0].item, 2);
  EXPECT_EQ(earlier[1].item, 1);
}

TEST(State, BoundsAreChecked) {
  EXPECT_THROW(state_before(example(), 5), base::Error);
  StateOptions options;
  options.window = 0;
  EXPECT_THROW(state_before(example(), 1, options), base::Error);
}

}  // namespace
}  // namespace dialogue
