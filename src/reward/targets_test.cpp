#include "reward/targets.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"
#include "reward/test_answers.h"

namespace reward {
namespace {

using testing::Answer;
using testing::Answers;

// Means and deviations: engagement 2 and 1, relevance .3 and .1, sentiment_shift 0 and .5.
Answers two() {
  return Answers({{.engagement = 1, .relevance = .2, .sentiment_shift = -.5, .sentiment = 0},
                  {.engagement = 3, .relevance = .4, .sentiment_shift = .5, .sentiment = 0}});
}

Blend blend(const std::string& name, const Answers& answers,
            const std::vector<feedback::SignalValidity>& validity = {}) {
  return make_blend({.blend = name, .alpha = 2, .beta = .5, .gamma = -1}, answers.corpus,
                    answers.table, validity,
                    std::vector<bool>(answers.corpus.dialogues.size(), true), 1);
}

feedback::SignalValidity validity(const std::string& name, bool validated) {
  feedback::SignalValidity v;
  v.name = name;
  v.validated = validated;
  return v;
}

TEST(Blend, ThePapersWeighsTheThreeTermsAsStandardScores) {
  Answers answers = two();
  const Blend paper = blend("paper", answers);
  EXPECT_NEAR(*blend_of(paper, answers.table, answers.table.rows[0]), -2 - .5 + 1, 1e-12);
  EXPECT_NEAR(*blend_of(paper, answers.table, answers.table.rows[1]), 2 + .5 - 1, 1e-12);
}

TEST(Blend, AnUnknownSignalCountsAsItsMeanAndWithoutAnyThereIsNone) {
  Answers answers = two();
  const Blend paper = blend("paper", answers);
  feedback::SignalRow row = answers.table.rows[1];
  row.values[0].reset();
  EXPECT_NEAR(*blend_of(paper, answers.table, row), .5 - 1, 1e-12);
  row.values[1].reset();
  row.values[2].reset();
  EXPECT_FALSE(blend_of(paper, answers.table, row));
}

TEST(Blend, ThatOfTheValidSignalsIsTheirMean) {
  Answers answers = two();
  const Blend valid = blend("valid", answers,
                            {validity("engagement", true), validity("relevance", false),
                             validity("sentiment_shift", true)});
  ASSERT_EQ(valid.terms.size(), 2u);
  EXPECT_EQ(valid.terms[0].signal, "engagement");
  EXPECT_EQ(valid.terms[1].signal, "sentiment_shift");
  for (const Blend::Term& term : valid.terms) {
    EXPECT_EQ(term.weight, .5);
    EXPECT_EQ(term.low, .5);
    EXPECT_EQ(term.high, .5);
  }
  EXPECT_NEAR(*blend_of(valid, answers.table, answers.table.rows[0]), -1, 1e-12);
}

TEST(Blend, WithNoValidSignalItIsAcceptanceAndSaysSo) {
  const Answers answers({{.acceptance = 0}, {.acceptance = 1}});
  const Blend valid = blend("valid", answers, {validity("sentiment", false)});
  ASSERT_EQ(valid.terms.size(), 1u);
  EXPECT_EQ(valid.terms[0].signal, "acceptance");
  EXPECT_NE(valid.note.find("not validated"), std::string::npos);
  EXPECT_NEAR(*blend_of(valid, answers.table, answers.table.rows[1]), 1, 1e-12);  // mean, dev .5
}

TEST(Blend, AnotherNameIsRefused) { EXPECT_THROW(blend("best", two()), base::UsageError); }

// Three in four are liked. Sentiment tells what is liked, four times in five; the other signals are
// chance.
std::vector<Answer> telling(int count) {
  base::Random random({.seed = 5, .stage = "test"});
  std::vector<Answer> answers;
  for (int i = 0; i < count; ++i) {
    const bool liked = i % 4, said = random.chance(.8) ? liked : !liked;
    answers.push_back({.liked = liked,
                       .engagement = random.normal(),
                       .relevance = random.normal(),
                       .sentiment_shift = random.normal(),
                       .sentiment = said ? .5 : -.5});
  }
  return answers;
}

TEST(Blend, TheFittedFindsTheSignalThatTells) {
  const Answers answers(telling(600));
  const Blend fitted = blend("fitted", answers);
  ASSERT_EQ(fitted.terms.size(), 4u);
  for (const Blend::Term& term : fitted.terms) {
    EXPECT_LE(term.low, term.weight);
    EXPECT_GE(term.high, term.weight);
    if (term.signal == "sentiment") {
      // From -.5 to .5 the log odds of liked rise by 2 ln 4, however many are liked.
      EXPECT_NEAR(term.weight, 2 * std::log(4) * term.deviation, .2);
      EXPECT_GT(term.low, .5);
    } else {
      EXPECT_NEAR(term.weight, 0, .25);
      EXPECT_LT(term.low, 0);
      EXPECT_GT(term.high, 0);
    }
  }
  EXPECT_NE(fitted.note.find("600 held-out labels"), std::string::npos);
}

TEST(Blend, TheFittedLooksAtNoLabelsButThoseItMayFitOn) {
  Answers answers(telling(120));
  std::vector<bool> fit_on(120, false);
  for (std::size_t d = 0; d < 60; ++d) fit_on[d] = true;
  const auto weights = [&] {
    std::vector<double> weights;
    for (const Blend::Term& term :
         make_blend({.blend = "fitted"}, answers.corpus, answers.table, {}, fit_on, 1).terms)
      weights.insert(weights.end(), {term.weight, term.low, term.high});
    return weights;
  };
  const std::vector<double> before = weights();
  for (std::size_t d = 60; d < 120; ++d)
    answers.corpus.dialogues[d].seeker_labels[0].liked = d % 3 == 0;
  EXPECT_EQ(weights(), before);
  for (std::size_t d = 30; d < 60; ++d) fit_on[d] = false;  // 30 labels are too few
  EXPECT_THROW(weights(), base::UsageError);
}

double target(const Outcome& outcome, Head head) {
  return outcome.targets[static_cast<std::size_t>(head)];
}
double weight(const Outcome& outcome, Head head) {
  return outcome.weights[static_cast<std::size_t>(head)];
}

// Without a reader: there are far fewer labels than it needs.
std::vector<Outcome> outcomes(const Answers& answers, double reader_weight = .3) {
  return collect_outcomes(answers.corpus, answers.table, blend("paper", answers),
                          Reader(answers.corpus, answers.table, 1), reader_weight);
}

TEST(Outcomes, TheFormSaysWhatWasLikedAndWhetherThatWasOfUse) {
  const Answers answers({{.liked = true, .seen = false, .sentiment = 0, .acceptance = .9},
                         {.liked = true, .seen = true, .sentiment = 0, .acceptance = .9},
                         {.liked = false, .seen = false, .sentiment = 0, .acceptance = .9},
                         {.liked = false, .sentiment = 0, .acceptance = .9},
                         {.liked = true, .sentiment = 0, .acceptance = .9},
                         {.sentiment = 0, .acceptance = .9},
                         {.sentiment = 0}});
  const std::vector<Outcome> all = outcomes(answers);
  ASSERT_EQ(all.size(), 7u);
  const auto expect = [&](std::size_t i, Head head, double value, double by) {
    EXPECT_EQ(target(all[i], head), value) << i << " " << head_name(head);
    EXPECT_EQ(weight(all[i], head), by) << i << " " << head_name(head);
  };
  const std::vector<std::pair<double, double>> liked = {{1, 1}, {1, 1},   {0, 1}, {0, 1},
                                                        {1, 1}, {.9, .3}, {0, 0}};
  const std::vector<std::pair<double, double>> useful = {{1, 1},   {0, 1},   {0, 1}, {0, 1},
                                                         {.9, .3}, {.9, .3}, {0, 0}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    expect(i, Head::liked, liked[i].first, liked[i].second);
    expect(i, Head::useful, useful[i].first, useful[i].second);
    EXPECT_EQ(all[i].item, static_cast<int>(i % 3));
    EXPECT_EQ(all[i].dialogue, static_cast<int>(i));
    EXPECT_EQ(all[i].turn, 1);
  }
  EXPECT_EQ(all[3].useful, false);  // not liked, so of no use whether seen or not
  EXPECT_FALSE(all[4].useful);
  EXPECT_FALSE(all[5].liked);
}

TEST(Outcomes, CarryTheSignalsAndTheBlendWhereTheyAreKnown) {
  Answers answers = two();
  answers.table.rows[0].values[1].reset();
  const std::vector<Outcome> all = outcomes(answers);
  EXPECT_EQ(target(all[1], Head::engagement), 3);
  EXPECT_EQ(weight(all[1], Head::engagement), 1);
  EXPECT_EQ(weight(all[0], Head::relevance), 0);
  EXPECT_EQ(target(all[1], Head::blend),
            *blend_of(blend("paper", answers), answers.table, answers.table.rows[1]));
}

TEST(Outcomes, AreOfNewItemsOfAnsweredTurnsOnly) {
  Answers answers = two();
  std::vector<dialogue::Turn>& turns = answers.corpus.dialogues[0].turns;
  turns[0].text = "I liked @";
  turns[0].mentions = {{2, 8, 9}};
  turns[1].text = "@ @ @";
  turns[1].mentions = {{0, 0, 1}, {2, 2, 3}, {1, 4, 5}};
  answers.table.rows[1].values[answers.table.column("sentiment")].reset();  // nobody replied
  const std::vector<Outcome> all = outcomes(answers);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].item, 0);
  EXPECT_EQ(all[1].item, 1);
}

// The turn shows three items and as a whole was accepted; events say that it was the second.
TEST(Outcomes, OfSeveralItemsEachWasTakenUpOrNot) {
  Answers answers({{.sentiment = 0, .acceptance = 1}, {.sentiment = 0, .acceptance = 0}});
  dialogue::Dialogue& d = answers.corpus.dialogues[0];
  d.turns[1].text = "@ @ @";
  d.turns[1].mentions = {{0, 0, 1}, {1, 2, 3}, {2, 4, 5}};
  d.turns[1].id = "1";
  const auto read = [&] {  // acceptance alone: mean .5, deviation .5
    return collect_outcomes(answers.corpus, answers.table, blend("valid", answers),
                            Reader(answers.corpus, answers.table, 1), .3);
  };
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(target(read()[static_cast<std::size_t>(i)], Head::blend), 1);
  d.events = {{"accept", "1", answers.corpus.catalogue[1].id, 2, 1}};
  const std::vector<Outcome> all = read();
  ASSERT_EQ(all.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(target(all[i], Head::blend), i == 1 ? 1 : -1) << i;
    EXPECT_EQ(target(all[i], Head::liked), i == 1 ? 1 : 0) << i;
    EXPECT_EQ(target(all[i], Head::useful), i == 1 ? 1 : 0) << i;
  }
}

TEST(Outcomes, WhereThereIsNoFormTheReaderSays) {
  std::vector<Answer> answers;
  for (int i = 0; i < 120; ++i)
    answers.push_back({.reply = i % 2 ? "love it" : "hate it",
                       .liked = i % 2 == 1,
                       .seen = i % 4 < 2,
                       .sentiment = 0,
                       .acceptance = .5});
  answers.push_back({.reply = "love it", .sentiment = 0, .acceptance = .5});
  const Answers all(answers);
  const Reader reader(all.corpus, all.table, 1);
  const Outcome last = outcomes(all, .25).back();
  const double liked = *reader.liked(all.corpus.dialogues.back(), 1),
               seen = *reader.seen(all.corpus.dialogues.back(), 1);
  EXPECT_EQ(target(last, Head::liked), liked);
  EXPECT_EQ(weight(last, Head::liked), .25);
  EXPECT_EQ(target(last, Head::useful), liked * (1 - seen));
  EXPECT_EQ(weight(last, Head::useful), .25);
  EXPECT_EQ(weight(outcomes(all, .25).front(), Head::liked), 1);  // its form comes first
}

}  // namespace
}  // namespace reward
