#include "dialogue/sentiment.h"

#include <gtest/gtest.h>

#include "dialogue/state.h"

namespace dialogue {
namespace {

double feeling(std::string_view words) {
  return words.find("love") != std::string_view::npos   ? .6
         : words.find("hate") != std::string_view::npos ? -.6
                                                        : 0;
}

TEST(ReadSentiment, EachSentenceHasItsOwnAndATitleSaysNothing) {
  Turn turn;
  turn.text = "I love @. I hate @! Ok";
  turn.mentions = {{0, 7, 8}, {1, 17, 18}};
  read_sentiment(turn, feeling);
  ASSERT_EQ(turn.sentences.size(), 3u);
  EXPECT_EQ(turn.sentences[0].sentiment, .6);
  EXPECT_EQ(turn.sentences[1].sentiment, -.6);
  EXPECT_EQ(turn.sentences[1].end, 19u);
  EXPECT_EQ(turn.sentences[2].sentiment, 0);
  turn.text = "love story?";
  turn.mentions = {{0, 0, 10}};
  read_sentiment(turn, feeling);
  EXPECT_EQ(turn.sentiment, 0.);
}

TEST(ReadSentiment, ItemsOfOneTurnGetThePolarityOfTheirOwnSentences) {
  Dialogue talk;
  Turn turn;
  turn.text = "I love @. I hate @!";
  turn.mentions = {{0, 7, 8}, {1, 17, 18}};
  read_sentiment(turn, feeling);
  talk.turns = {turn};
  const State state = state_before(talk, 1);
  EXPECT_EQ(state.items[0].polarity, Polarity::liked);
  EXPECT_EQ(state.items[1].polarity, Polarity::disliked);
}

}  // namespace
}  // namespace dialogue
