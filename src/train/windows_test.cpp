#include "train/windows.h"

#include <set>

#include <gtest/gtest.h>

#include "train/test_dialogues.h"

namespace train {
namespace {

using dialogue::Piece;

TEST(Windows, EveryActionTokenCountsOnceHoweverTheDialogueIsCut) {
  const DialogueTokens tokens = testing::tokens();
  const dialogue::Dialogue d = testing::dialogue(1);
  const auto count = [&](int max_tokens) {
    int actions = 0;
    for (const Sequence& sequence :
         windows(d, tokens, {.max_tokens = max_tokens, .seeker_weight = 0, .state = {}})) {
      EXPECT_LE(sequence.ids.size(), static_cast<std::size_t>(max_tokens));
      for (std::size_t t = 0; t < sequence.ids.size(); ++t) {
        EXPECT_EQ(sequence.weights[t] > 0, sequence.parts[t] != Piece::Part::context);
        actions += sequence.weights[t] > 0;
      }
    }
    return actions;
  };
  EXPECT_EQ(count(1000), count(25));
}

TEST(Windows, ASequenceInWhichNothingCountsIsLeftOut) {
  const DialogueTokens tokens = testing::tokens();
  dialogue::Dialogue d = testing::dialogue(1);
  d.turns.resize(1);  // the seeker's
  EXPECT_TRUE(windows(d, tokens, {.seeker_weight = 0, .state = {}}).empty());
  EXPECT_EQ(windows(d, tokens, {.seeker_weight = .5, .state = {}}).size(), 1u);
}

TEST(Windows, BatchesHoldEverySequenceOnceAndFollowSeedAndEpoch) {
  std::vector<Sequence> sequences(20);
  for (std::size_t i = 0; i < sequences.size(); ++i) sequences[i].ids.resize(i + 1);
  const auto first = batches(sequences, 30, 1, 0);
  std::set<std::size_t> seen;
  for (const auto& batch : first) {
    std::size_t used = 0;
    for (std::size_t index : batch) {
      used += index + 1;
      EXPECT_TRUE(seen.insert(index).second);
    }
    EXPECT_LE(used, 30u);
  }
  EXPECT_EQ(seen.size(), 20u);
  EXPECT_EQ(first, batches(sequences, 30, 1, 0));
  EXPECT_NE(first, batches(sequences, 30, 1, 1));
}

}  // namespace
}  // namespace train
