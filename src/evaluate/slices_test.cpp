#include "evaluate/slices.h"

#include <gtest/gtest.h>

#include "evaluate/examples.h"
#include "evaluate/test_recommender.h"

namespace evaluate {
namespace {

class Slices : public testing::Test {
 protected:
  ModelRanking rank(std::vector<float> row) {
    test::FixedRecommender recommender("fixed", [=](const dialogue::State&) { return row; });
    return rank_instances(recommender, instances_, test::letters(6));
  }
  std::optional<ProtocolScores> find(const std::vector<SliceScores>& slices, const char* protocol,
                                     const char* group, const char* slice) {
    for (const SliceScores& own : slices)
      if (own.protocol == protocol && own.group == group && own.slice == slice) return own.scores;
    return std::nullopt;
  }
  std::vector<dialogue::Dialogue> dialogues_ = test::two_dialogues();
  std::vector<Instance> instances_ = make_instances(test::pointers(dialogues_));
  ModelRanking backwards_ = rank({-6, -5, -4, -3, -2, -1});
};

// V1 ranks, backwards: B 4, C 3 | A 5, D 2 | E 1, F 0. V2: B 4, C 3 | D 2 | F 0.
TEST_F(Slices, FrequencyIsTheItems) {
  const auto slices =
      score_slices(backwards_, instances_, std::vector<std::int64_t>{0, 5, 6, 20, 21, 0});
  const auto never = find(slices, "v1", "frequency", "0");  // A, F
  ASSERT_TRUE(never);
  EXPECT_EQ(never->pairs[0].count, 2u);
  EXPECT_DOUBLE_EQ(never->pairs[0].hit, .5);                                // F
  EXPECT_DOUBLE_EQ(find(slices, "v2", "frequency", "0")->pairs[0].hit, 1);  // A is no new item
  EXPECT_EQ(find(slices, "v2", "frequency", "1-5")->pairs[0].count, 1u);    // B
  const auto middle = find(slices, "v2", "frequency", "6-20");              // C, D
  EXPECT_EQ(middle->pairs[1].count, 2u);
  EXPECT_EQ(middle->messages[1].count, 2u);
  EXPECT_NEAR(middle->pairs[1].reciprocal_rank, (1. / 4 + 1. / 3) / 2, 1e-12);
  EXPECT_TRUE(find(slices, "v1", "frequency", "21+"));   // E, a repeat
  EXPECT_FALSE(find(slices, "v2", "frequency", "21+"));  // no pair
}

TEST_F(Slices, DepthAndLengthAreTheMessages) {
  const auto slices = score_slices(backwards_, instances_, {});
  EXPECT_EQ(find(slices, "v2", "depth", "1-4")->pairs[0].count, 4u);  // 1 and 3 turns before
  EXPECT_FALSE(find(slices, "v2", "depth", "5-9"));
  EXPECT_EQ(find(slices, "v1", "length", "1-12")->messages[0].count, 3u);
  for (const SliceScores& slice : slices) EXPECT_NE(slice.group, "frequency");
}

TEST_F(Slices, ListsUseTheWholeCatalogueOrLess) {
  // 6 items: all are among the ten best of every list; masked lists lack A | A B C | E.
  const auto lists = score_lists(backwards_, backwards_.items);
  EXPECT_DOUBLE_EQ(lists.at("v1").coverage, 1);
  EXPECT_DOUBLE_EQ(lists.at("v1").gini, 0);
  EXPECT_EQ(lists.at("v1").lists, 3);
  EXPECT_EQ(lists.at("v2").items, 6);
  // A 1, B 2, C 2, D 3, E 2, F 3: (-5 * 1 - 3 * 2 - 1 * 2 + 1 * 2 + 3 * 3 + 5 * 3) / (6 * 13).
  EXPECT_NEAR(lists.at("v2").gini, 13. / 78, 1e-12);
  EXPECT_TRUE(score_lists({}, 6).empty());
}

TEST_F(Slices, DialoguesAreRewardedForLikedItemsByLength) {
  // Liked and new: B (not seen, rank 4) and D (seen, 2) of dialogue 7 with 2 recommender's turns;
  // F (not said, 0) of dialogue 8 with 3.
  const auto scores = score_dialogues(backwards_, instances_);
  ASSERT_TRUE(scores);
  EXPECT_EQ(scores->dialogues, 2);
  EXPECT_DOUBLE_EQ(scores->success[0], .5);  // at 1: F alone
  EXPECT_DOUBLE_EQ(scores->reward[0], .5 / 3 / 2);
  EXPECT_DOUBLE_EQ(scores->success[1], 1);  // at 5: all
  EXPECT_DOUBLE_EQ(scores->reward[1], ((1 + .5) / 2 + .5 / 3) / 2);
  // Of two dialogues drawn, both are the same one in half of the draws.
  EXPECT_EQ(scores->intervals.size(), 2 * std::size(kCutoffs));
  EXPECT_DOUBLE_EQ(scores->intervals.at("sr@1").low, 0);
  EXPECT_DOUBLE_EQ(scores->intervals.at("sr@1").high, 1);
  EXPECT_DOUBLE_EQ(scores->intervals.at("sr@5").low, 1);
  EXPECT_DOUBLE_EQ(scores->intervals.at("rdl@1").high, .5 / 3);
  for (dialogue::Dialogue& dialogue : dialogues_) dialogue.seeker_labels.clear();
  EXPECT_FALSE(score_dialogues(backwards_, make_instances(test::pointers(dialogues_))));
}

}  // namespace
}  // namespace evaluate
