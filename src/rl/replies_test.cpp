#include "rl/replies.h"

#include <gtest/gtest.h>

#include "recommend/test_model.h"

namespace rl {
namespace {

// Two replies a state, told apart by their only token.
Replies replies(const std::vector<double>& scores, int first_token) {
  Replies out;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    out.episodes.emplace_back();
    out.episodes.back().tokens = {first_token + static_cast<int>(i)};
    out.scores.push_back(scores[i]);
    out.states.push_back(static_cast<int>(i) / 2);
  }
  return out;
}

std::vector<int> tokens_of(const Replies& replies) {
  std::vector<int> out;
  for (const Episode& episode : replies.episodes) out.push_back(episode.tokens[0]);
  return out;
}

TEST(ReplaceEqual, PutsStatesThatTeachInPlaceOfThoseThatDoNot) {
  const Replaced found =
      replace_equal(replies({1, 1, 2, 3, 4, 4}, 0), replies({5, 5, 6, 7, 8, 9}, 10), 2);
  EXPECT_EQ(tokens_of(found.replies), (std::vector<int>{12, 13, 2, 3, 14, 15}));
  EXPECT_EQ(found.replies.scores, (std::vector<double>{6, 7, 2, 3, 8, 9}));
  EXPECT_EQ(found.replies.states, (std::vector<int>{0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(found.equal, 0u);
}

TEST(ReplaceEqual, LeavesAndCountsThoseThatThereIsNothingFor) {
  const Replaced found =
      replace_equal(replies({1, 1, 2, 2, 4, 4}, 0), replies({6, 7, 8, 8}, 10), 2);
  EXPECT_EQ(tokens_of(found.replies), (std::vector<int>{10, 11, 2, 3, 4, 5}));
  EXPECT_EQ(found.equal, 2u);
}

struct Judged {
  std::vector<dialogue::Dialogue> dialogues = recommend::testing::dialogues(1);
  train::DialogueTokens tokens = train::testing::tokens();
  dialogue::Turn naming = dialogues[0].turns[1], chatting = dialogues[0].turns[3];

  JudgedReply said(const dialogue::Turn& turn, double score) const {
    return {dialogue::state_before(dialogues[0], 1), turn, score};
  }
  std::vector<JudgedUnit> read(const std::vector<std::vector<JudgedReply>>& judged,
                               PairedModes modes) const {
    return read_judged(judged, tokens, modes, 30, 96);
  }
};

TEST(ReadJudged, LeavesOutUnitsWithAReplyThatThePolicyCouldNotHaveSaid) {
  const Judged judged;
  dialogue::Turn both = judged.naming;
  both.text += " or @";
  both.mentions.push_back({2, both.text.size() - 1, both.text.size()});
  const auto units = judged.read(
      {{judged.said(judged.naming, 1), judged.said(both, 0)}, {judged.said(judged.chatting, -1)}},
      PairedModes::any);
  ASSERT_EQ(units.size(), 1u);
  ASSERT_EQ(units[0].size(), 1u);
  EXPECT_FALSE(units[0][0].first.has_item);
  EXPECT_EQ(units[0][0].second, -1);
}

TEST(ReadJudged, LeavesOutPairsOfDifferentModesWhereTheyMustBeAlike) {
  const Judged judged;
  const std::vector<std::vector<JudgedReply>> pairs = {
      {judged.said(judged.naming, 1), judged.said(judged.chatting, 0)},
      {judged.said(judged.chatting, 1), judged.said(judged.chatting, 0)}};
  EXPECT_EQ(judged.read(pairs, PairedModes::any).size(), 2u);
  const auto alike = judged.read(pairs, PairedModes::alike);
  ASSERT_EQ(alike.size(), 1u);
  EXPECT_FALSE(alike[0][0].first.has_item);
}

TEST(DrawJudged, KeepsPairsWholeUntilThereAreEnough) {
  const Judged judged;
  const auto units =
      judged.read({{judged.said(judged.naming, 2), judged.said(judged.naming, 1)},
                   {judged.said(judged.chatting, 4), judged.said(judged.chatting, 3)}},
                  PairedModes::alike);
  const Replies drawn = draw_judged(units, 5, {1, "test", 1});
  ASSERT_EQ(drawn.scores.size(), 6u);
  EXPECT_EQ(drawn.states, (std::vector<int>{0, 0, 1, 1, 2, 2}));
  for (std::size_t i = 0; i < 6; i += 2) {
    EXPECT_EQ(drawn.scores[i], drawn.scores[i + 1] + 1);
    EXPECT_EQ(drawn.episodes[i].has_item, drawn.scores[i] == 2);
  }
}

TEST(DrawJudged, RepliesAloneToOnePromptAreToOneState) {
  const Judged judged;
  const auto units = judged.read(
      {{judged.said(judged.naming, 1)}, {judged.said(judged.chatting, -1)}}, PairedModes::alike);
  const Replies drawn = draw_judged(units, 8, {1, "test", 1});
  for (std::size_t i = 0; i < drawn.states.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_EQ(drawn.states[i] == drawn.states[j],
                drawn.episodes[i].prompt == drawn.episodes[j].prompt);
}

}  // namespace
}  // namespace rl
