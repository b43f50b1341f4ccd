#include "feedback/signals.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "feedback/validity.h"

namespace feedback {
namespace {

// +.5 for each "good", -.5 for each "bad".
double toy_sentiment(std::string_view words) {
  double sum = 0;
  for (const std::string& word : words_of(words))
    sum += word == "good" ? .5 : word == "bad" ? -.5 : 0;
  return sum;
}

dialogue::Turn turn(const std::string& id, dialogue::Role role, const std::string& text,
                    double time) {
  dialogue::Turn turn;
  turn.id = id;
  turn.role = role;
  turn.text = text;
  turn.time = time;
  return turn;
}

constexpr auto kSeeker = dialogue::Role::seeker;
constexpr auto kRecommender = dialogue::Role::recommender;

// Two films; the recommender names Heat, the seeker answers in two messages, then nobody does.
dialogue::Corpus corpus() {
  dialogue::Corpus corpus;
  corpus.catalogue = dialogue::Catalogue({{"1", "Heat", "", {}, {{"genre", {"crime"}}}},
                                          {"2", "Good Bad", "", {}, {{"genre", {"comedy"}}}}});
  dialogue::Dialogue d;
  d.id = "d";
  d.turns = {turn("0", kSeeker, "A bad crime film?", 0), turn("1", kRecommender, "Heat", 5),
             turn("2", kSeeker, "good!", 15), turn("3", kSeeker, "so good! Thanks", 17),
             turn("4", kRecommender, "And Good Bad", 20)};
  d.turns[1].mentions = {{0, 0, 4}};
  d.turns[4].mentions = {{1, 4, 12}};
  d.seeker_labels = {{0, true, false, true}, {1, true, {}, false}};
  corpus.dialogues = {d};
  return corpus;
}

std::optional<double> value(const SignalTable& table, std::size_t row, const std::string& name) {
  return table.rows[row].values[table.column(name)];
}

SignalTable measure(const dialogue::Corpus& corpus) {
  return measure_signals(corpus, word_relevance(WordWeights(corpus, {0})), toy_sentiment);
}

TEST(Signals, AreOfTheRecommendersTurnsAndReadTheRepliesAsOne) {
  const SignalTable table = measure(corpus());
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0].turn, 1);
  EXPECT_EQ(table.rows[0].item, 0);
  EXPECT_EQ(value(table, 0, "reply_words"), 4);
  EXPECT_EQ(value(table, 0, "exclamations"), 2);
  EXPECT_EQ(value(table, 0, "reply_latency"), 10);  // 15 - 5
  EXPECT_EQ(value(table, 0, "dwell"), 12);          // 17 - 5
  EXPECT_EQ(value(table, 0, "turns_left"), 1);
  EXPECT_EQ(value(table, 0, "seconds_left"), 15);      // 20 - 5
  EXPECT_EQ(value(table, 0, "sentiment"), 1);          // two "good"
  EXPECT_EQ(value(table, 0, "sentiment_shift"), 1.5);  // from -.5
  EXPECT_EQ(value(table, 0, "acceptance"), 0);
}

TEST(Signals, WithoutAReplyOnlyWhatNeedsNoneIsKnown) {
  const SignalTable table = measure(corpus());
  EXPECT_FALSE(value(table, 1, "reply_words").has_value());
  EXPECT_FALSE(value(table, 1, "sentiment").has_value());
  EXPECT_FALSE(value(table, 1, "acceptance").has_value());
  EXPECT_EQ(value(table, 1, "turns_left"), 0);
  EXPECT_TRUE(value(table, 1, "relevance").has_value());
}

TEST(Signals, EventsSayMoreThanTimesAndWords) {
  dialogue::Corpus with_events = corpus();
  with_events.dialogues[0].events = {
      {"dwell", "1", "1", 6, 3.5}, {"dwell", "1", "1", 9, 1.5}, {"rating", "4", "2", 21, -1}};
  SignalTable table = measure(with_events);
  EXPECT_EQ(value(table, 0, "dwell"), 5);
  EXPECT_EQ(value(table, 0, "acceptance"), 0);
  EXPECT_EQ(value(table, 1, "acceptance"), 0);  // a rating of -1
  with_events.dialogues[0].events.push_back({"accept", "1", "1", 9, {}});
  EXPECT_EQ(value(measure(with_events), 0, "acceptance"), 1);
  dialogue::Corpus in_words = corpus();
  in_words.dialogues[0].turns[2].text = "OK, I'll watch it";
  EXPECT_EQ(value(measure(in_words), 0, "acceptance"), 1);
}

TEST(Signals, WhoWasServedAndNotMeasuredHasNoDwell) {
  dialogue::Corpus served = corpus();
  served.dialogues[0].source = "feedback";
  EXPECT_FALSE(value(measure(served), 0, "dwell").has_value());
  EXPECT_EQ(value(measure(served), 0, "reply_latency"), 10);
  served.dialogues[0].events = {{"dwell", "1", "", 6, 3.5}};
  EXPECT_EQ(value(measure(served), 0, "dwell"), 3.5);
}

TEST(Signals, SentimentIsNotThatOfTitles) {
  dialogue::Corpus filled = corpus();
  filled.dialogues[0].turns[2] = filled.dialogues[0].turns[4];
  filled.dialogues[0].turns[2].role = kSeeker;
  filled = with_sentiment(std::move(filled), toy_sentiment);
  EXPECT_EQ(filled.dialogues[0].turns[2].sentiment, 0);
  EXPECT_EQ(filled.dialogues[0].turns[3].sentiment, .5);
  EXPECT_FALSE(filled.dialogues[0].turns[4].sentiment.has_value());
}

TEST(Signals, RelevanceIsTheCosineWithWhatWasSaid) {
  dialogue::Corpus c = corpus();
  c.dialogues[0].turns[0].text = "crime";
  // The offer is "heat crime", what was said is "crime". Of 5 turns "crime" is in 1 and "heat" in
  // 1, so both weigh the same: cos = 1 / sqrt(2).
  EXPECT_NEAR(*value(measure(c), 0, "relevance"), std::sqrt(.5), 1e-12);
  c.dialogues[0].turns[0].text = "love story";
  EXPECT_EQ(value(measure(c), 0, "relevance"), 0);
}

TEST(Signals, DislikedItemsAreNotWhatTheSeekerWants) {
  dialogue::Corpus c = corpus();
  c.dialogues[0].turns[2].text = c.dialogues[0].turns[3].text = "x";
  c.dialogues[0].turns[4].text = "Heat";
  c.dialogues[0].turns[4].mentions = {{0, 0, 4}};
  c.dialogues[0].turns[0].text = "x";
  c.dialogues[0].turns[2].sentiment = .9;  // about Heat, named in turn 1
  EXPECT_GT(*value(measure(c), 1, "relevance"), .1);
  c.dialogues[0].turns[2].sentiment = -.9;
  EXPECT_EQ(value(measure(c), 1, "relevance"), 0);
}

TEST(Composites, AreStandardScoresOfTheTrainingRows) {
  SignalTable table;
  table.names = {"reply_words", "reply_latency", "dwell",
                 "turns_left",  "relevance",     "sentiment_shift"};
  table.rows = {{0, 0, {}, {1., {}, 2., 4., .2, 1.}}, {0, 1, {}, {3., {}, 2., 8., .4, {}}}};
  const Composites composites(table);
  const SignalTable out = composites.apply(table);
  // relevance: mean .3, deviation .1; engagement: words -1, turns -1, dwell 0 (it does not vary).
  EXPECT_NEAR(*out.rows[0].values[1], -1, 1e-12);
  EXPECT_NEAR(*out.rows[0].values[0], -1, 1e-12);
  EXPECT_NEAR(*out.rows[1].values[0], 1, 1e-12);
  EXPECT_FALSE(out.rows[1].values[2].has_value());
  const Composites again = Composites::from_json(composites.to_json(), "composites.json");
  EXPECT_EQ(again.apply(table).rows[0].values, out.rows[0].values);
  EXPECT_THROW(Composites::from_json({{"dwell", {1, 2}}}, "composites.json"), base::DataError);
}

TEST(Validity, JoinsItemsThatTheRecommenderNamedFirstAndThatWereAnswered) {
  dialogue::Corpus c = corpus();
  const SignalTable table = measure(c);
  auto labelled = label_items(c, table);
  ASSERT_EQ(labelled.size(), 1u);  // nobody answered turn 4
  EXPECT_EQ(labelled[0].item, 0);
  EXPECT_EQ(labelled[0].liked, true);
  EXPECT_EQ(labelled[0].seen, false);
  c.dialogues[0].turns[0].mentions = {{0, 0, 1}};  // now the seeker named it first
  EXPECT_TRUE(label_items(c, measure(c)).empty());
}

TEST(Validity, ASignalIsValidatedWhereItsIntervalIsAboveChance) {
  dialogue::Corpus c;
  c.catalogue = dialogue::Catalogue({{"1", "Heat", "", {}, {}}});
  for (int i = 0; i < 40; ++i) {
    dialogue::Dialogue d = corpus().dialogues[0];
    d.turns.resize(3);
    d.id = std::to_string(i);
    d.turns[2].text = i % 2 ? "good" : "bad";
    d.turns[2].time = 15 + i / 2 % 2;  // says nothing of liking
    d.seeker_labels = {{0, true, {}, i % 2 == 1}};
    c.dialogues.push_back(d);
  }
  const SignalTable table = measure_signals(c, word_relevance(WordWeights(c, {0})), toy_sentiment);
  for (const SignalValidity& v : validate_signals(c, table, {200, 1})) {
    if (v.name == "sentiment") {
      EXPECT_EQ(v.liked, 20);
      EXPECT_EQ(v.disliked, 20);
      EXPECT_EQ(v.auc->estimate, 1);
      EXPECT_NEAR(v.pearson->estimate, 1, 1e-12);
      EXPECT_TRUE(v.validated);
      EXPECT_EQ(v.mean_disliked, -.5);
    } else if (v.name == "reply_latency") {
      EXPECT_EQ(v.auc->estimate, .5);
      EXPECT_FALSE(v.validated);
    }
  }
}

}  // namespace
}  // namespace feedback
