#include "evaluate/context_use.h"

#include <cmath>

#include <gtest/gtest.h>

#include "evaluate/test_recommender.h"

namespace evaluate {
namespace {

// Two messages of one dialogue each; the seeker names item 0, then item 1.
std::vector<Instance> instances(int dialogues) {
  std::vector<Instance> all;
  for (int d = 0; d < dialogues; ++d)
    for (int message = 0; message < 2; ++message) {
      Instance instance;
      instance.dialogue = d;
      for (int item = 0; item <= message; ++item) {
        dialogue::Turn turn;
        turn.text = "I like @";
        turn.mentions = {{item, 7, 8}};
        instance.state.window.push_back(turn);
        instance.state.items.push_back({item});
      }
      all.push_back(instance);
    }
  return all;
}

// Puts all on one item of 40, which follows from what it makes of the state.
template <class F>
test::FixedRecommender certain_of(F item) {
  return {"fixed", [item](const dialogue::State& state) {
            std::vector<float> row(40, -200);
            row[item(state)] = 0;
            return row;
          }};
}

TEST(ContextUse, WhoDoesNotListenIsConsistentAndGivesNoWeight) {
  auto deaf = certain_of([](const dialogue::State&) { return std::size_t{5}; });
  const auto scores = context_use(deaf, instances(3));
  ASSERT_TRUE(scores);
  EXPECT_NEAR(scores->weight, 0, 1e-9);
  EXPECT_EQ(scores->consistency, 1);
  EXPECT_EQ(scores->dialogues, 3);
}

// All items alike but those named: without the seeker's words none is named.
TEST(ContextUse, LeavingOutWhatWasNamedIsNotListening) {
  test::FixedRecommender masking("masking", [](const dialogue::State& state) {
    std::vector<float> row(40, static_cast<float>(-std::log(40. - state.items.size())));
    for (const dialogue::KnownItem& known : state.items) row[known.item] = -1e9f;
    return row;
  });
  EXPECT_NEAR(context_use(masking, instances(3))->weight, 0, 1e-6);
}

TEST(ContextUse, WhoFollowsTheLastWordGivesAllItsWeightToWords) {
  auto fickle = certain_of([](const dialogue::State& state) { return 10 + state.window.size(); });
  const auto scores = context_use(fickle, instances(3));
  EXPECT_NEAR(scores->weight, 1, 1e-9);
  // The nine that follow item 11, or 12, are the first nine new ones in both.
  EXPECT_NEAR(scores->consistency, .9, 1e-9);
}

TEST(ContextUse, DialoguesOfOneMessageSayNothing) {
  std::vector<Instance> single = instances(1);
  single.pop_back();
  auto deaf = certain_of([](const dialogue::State&) { return std::size_t{5}; });
  EXPECT_FALSE(context_use(deaf, single));
}

TEST(ContextUse, LooksAtNoMoreDialoguesThanItIsTold) {
  auto deaf = certain_of([](const dialogue::State&) { return std::size_t{5}; });
  EXPECT_EQ(context_use(deaf, instances(30), 7)->dialogues, 7);
}

}  // namespace
}  // namespace evaluate
