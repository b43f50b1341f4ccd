#include "reward/reader.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "reward/test_answers.h"

namespace reward {
namespace {

using testing::Answer;
using testing::Answers;

// What was liked is loved and what had been seen is known, by words of their own.
std::vector<Answer> clear(int count) {
  std::vector<Answer> answers;
  for (int i = 0; i < count; ++i) {
    const bool liked = i % 2, seen = i % 4 < 2;
    answers.push_back({.reply = std::string(liked ? "love it" : "hate it") +
                                (seen ? " know that one" : " what is that about"),
                       .liked = liked,
                       .seen = seen});
  }
  return answers;
}

dialogue::Dialogue answered(const std::string& reply) {
  return Answers({{.reply = reply}}).corpus.dialogues[0];
}

TEST(Reader, TellsWhatWasLikedAndWhatWasSeenFromTheReply) {
  const Answers answers(clear(120));
  const Reader reader(answers.corpus, answers.table, 1);
  EXPECT_GT(*reader.liked(answered("I love that"), 1), .7);
  EXPECT_LT(*reader.liked(answered("I hate that"), 1), .3);
  EXPECT_GT(*reader.seen(answered("I know it"), 1), .7);
  EXPECT_LT(*reader.seen(answered("about what"), 1), .3);
  EXPECT_EQ(reader.liked_quality().labels, 120u);
  EXPECT_EQ(reader.liked_quality().auc->estimate, 1);
  EXPECT_LT(reader.liked_quality().calibration_error, .1);
}

TEST(Reader, ReadsAllMessagesOfTheReplyButNothingAfterTheNextTurn) {
  const Answers answers(clear(120));
  const Reader reader(answers.corpus, answers.table, 1);
  dialogue::Dialogue d = answered("hm");
  dialogue::Turn more = d.turns[2], next = d.turns[1];
  more.text = "love it";
  const double alone = *reader.liked(d, 1);
  d.turns.push_back(next);
  d.turns.push_back(more);
  EXPECT_EQ(*reader.liked(d, 1), alone);
  d.turns.erase(d.turns.begin() + 3);
  EXPECT_GT(*reader.liked(d, 1), alone);
}

TEST(Reader, WithoutAReplyThereIsNothingToRead) {
  const Answers answers(clear(120));
  const Reader reader(answers.corpus, answers.table, 1);
  dialogue::Dialogue d = answered("love it");
  d.turns.resize(2);
  EXPECT_FALSE(reader.liked(d, 1));
  EXPECT_FALSE(reader.seen(d, 1));
}

TEST(Reader, WithTooFewLabelsOrOneAnswerOnlyItGivesNothing) {
  const Answers few(clear(39));
  const Reader reader(few.corpus, few.table, 1);
  EXPECT_FALSE(reader.liked(answered("love it"), 1));
  EXPECT_EQ(reader.liked_quality().labels, 39u);
  EXPECT_FALSE(reader.liked_quality().auc);

  std::vector<Answer> happy = clear(120);
  for (Answer& answer : happy) answer.liked = true;
  const Answers one(happy);
  const Reader half(one.corpus, one.table, 1);
  EXPECT_FALSE(half.liked(answered("love it"), 1));
  EXPECT_TRUE(half.seen(answered("love it"), 1));
}

TEST(Reader, ItsQualityIsMeasuredOnDialoguesItWasNotTrainedOn) {
  // Sixty words of four dialogues each, and answers by chance: what can be learned by heart tells
  // nothing of other dialogues.
  base::Random random({.seed = 2, .stage = "test"});
  std::vector<Answer> answers;
  for (int i = 0; i < 240; ++i)
    answers.push_back({.reply = "word" + std::to_string(i % 60), .liked = random.chance(.5)});
  const Answers noise(answers);
  const Reader reader(noise.corpus, noise.table, 1);
  EXPECT_NEAR(reader.liked_quality().auc->estimate, .5, .12);
  EXPECT_NEAR(*reader.liked(answered("word7"), 1), .5, .2);  // calibrated on the same dialogues
}

TEST(Reader, IsAFunctionOfItsArguments) {
  const Answers answers(clear(80));
  EXPECT_EQ(Reader(answers.corpus, answers.table, 3).to_json(),
            Reader(answers.corpus, answers.table, 3).to_json());
}

}  // namespace
}  // namespace reward
