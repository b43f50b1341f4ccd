#include "corpus/check.h"

#include <gtest/gtest.h>

#include "corpus/test_dropped.h"

namespace corpus {
namespace {

dialogue::Dialogue make(const std::string& id, const std::string& words) {
  dialogue::Dialogue dialogue;
  dialogue.id = id;
  dialogue::Turn turn;
  turn.text = words;
  dialogue.turns.push_back(turn);
  return dialogue;
}

const char* const kWords = "hello there do you know any good film about the sea and ships";

TEST(Check, NearDuplicatesAreFoundWhateverTheirCaseAndMarks) {
  const auto found = find_near_duplicates(
      {make("a", kWords), make("b", "I would like a film about trains and one about planes"),
       make("c", "Hello there! Do you know any good film about the sea, and ships?")});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].a, 0);
  EXPECT_EQ(found[0].b, 2);
  EXPECT_EQ(found[0].similarity, 1);
}

TEST(Check, SimilarityIsTheShareOfCommonRuns) {
  // 13 words: 10 runs of four. With the last word changed, 9 are common of 11.
  const auto found = find_near_duplicates(
      {make("a", kWords),
       make("b", "hello there do you know any good film about the sea and boats")});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NEAR(found[0].similarity, 9. / 11, 1e-12);
}

TEST(Check, ANearDuplicateAcrossSplitsIsALeak) {
  dialogue::Corpus corpus;
  corpus.dialogues = {make("a", kWords), make("b", kWords), make("c", "@5 short"), make("d", "")};
  SplitSettings settings;
  settings.by = "dialogue";
  const Check check = check_corpus(corpus, {{0}, {1}, {2}}, settings);
  ASSERT_EQ(check.leaks.size(), 1u);
  EXPECT_NE(check.leaks[0].find("a (training) is nearly the same as b (validation)"),
            std::string::npos);
  EXPECT_EQ(test::count(check.dropped, "turns without words"), 1);
  EXPECT_EQ(test::count(check.dropped, "\"@\" and a number"), 1);
  EXPECT_EQ(test::count(check.dropped, "dialogues in no split"), 1);
  EXPECT_EQ(test::count(check.dropped, "dialogues without a recommender's turn"), 4);
  EXPECT_TRUE(check_corpus(corpus, {{0, 1}, {2}, {3}}, settings).leaks.empty());
}

TEST(Check, WhatHeldOutDialoguesShareWithTrainingIsCounted) {
  dialogue::Corpus corpus;
  corpus.dialogues = {make("a", ""), make("b", ""), make("c", ""), make("d", "")};
  corpus.dialogues[0].seed = "Heat";
  corpus.dialogues[1].seed = "HEAT";
  corpus.dialogues[0].seeker = "ann";
  corpus.dialogues[1].recommender = "ann";
  corpus.dialogues[2].seeker = "bob";
  corpus.dialogues[0].part_of = corpus.dialogues[1].part_of = "x";
  corpus.dropped = {{"lines in the rain", 7}};
  SplitSettings settings;
  settings.by = "published";
  const Check check = check_corpus(corpus, {{0, 3}, {1}, {2}}, settings);
  ASSERT_EQ(check.overlaps.size(), 4u);  // of test only people are known
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(check.overlaps[i].split, "validation");
    EXPECT_EQ(check.overlaps[i].count, 1);
    EXPECT_EQ(check.overlaps[i].of, 1);
  }
  EXPECT_EQ(check.overlaps[3].split, "test");
  EXPECT_EQ(check.overlaps[3].count, 0);
  EXPECT_EQ(check.leaks.size(), 1u);  // the conversation; the others only a person's split forbids
  EXPECT_EQ(check.dropped.front().what, "lines in the rain");
  EXPECT_EQ(to_json(check.overlaps)[0]["of"], 1);
}

TEST(Check, PartsOfOneConversationAreNoNearDuplicates) {
  auto a = make("a", kWords), b = make("b", kWords);
  EXPECT_EQ(find_near_duplicates({a, b}).size(), 1u);
  a.part_of = b.part_of = "x";
  EXPECT_TRUE(find_near_duplicates({a, b}).empty());
}

TEST(Statistics, OnlyItemsOfTargetsAreCountedAsTargets) {
  dialogue::Corpus corpus;
  corpus.dialogues = {make("a", "Heat Alien")};
  dialogue::Turn turn = corpus.dialogues[0].turns[0];
  turn.mentions = {{0, 0, 4}, {0, 4, 4}, {1, 5, 10}};
  corpus.dialogues[0].turns[0].mentions = turn.mentions;  // the seeker's
  turn.role = dialogue::Role::recommender;
  corpus.dialogues[0].turns.insert(corpus.dialogues[0].turns.end(), {turn, turn});
  EXPECT_EQ(measure(corpus).target_turns, 2);
  EXPECT_EQ(measure(corpus).targets, 4);  // an item once a turn
  corpus.dialogues[0].targets = {2};
  EXPECT_EQ(measure(corpus).target_turns, 1);
  EXPECT_EQ(measure(corpus).targets, 2);
}

TEST(Statistics, MessagesInARowOfOneSpeakerAreOneTurn) {
  dialogue::Corpus corpus;
  corpus.dialogues = {make("a", "two words")};
  corpus.dialogues[0].turns.push_back(corpus.dialogues[0].turns[0]);
  corpus.dialogues[0].turns.push_back(corpus.dialogues[0].turns[0]);
  corpus.dialogues[0].turns[2].role = dialogue::Role::recommender;
  corpus.dialogues[0].turns[2].time = 12;
  corpus.dialogues[0].seeker_labels = {{3, true, {}, false}, {4, false, {}, true}};
  const Statistics s = measure(corpus);
  EXPECT_EQ(s.messages, 3);
  EXPECT_EQ(s.merged_turns, 2);
  EXPECT_EQ(s.words, 6);
  EXPECT_EQ(s.liked.yes, 1);
  EXPECT_EQ(s.liked_suggested.yes, 0);
  EXPECT_EQ(s.liked_suggested.no, 1);
  EXPECT_EQ(s.seconds_median, 12);
}

}  // namespace
}  // namespace corpus
