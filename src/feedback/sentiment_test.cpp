#include "feedback/sentiment.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/test_data.h"

namespace feedback {
namespace {

class Sentiment : public testing::Test {
 protected:
  // A lexicon of its own: good 2, great 3, bad -2, no -1, ":)" 2.
  Sentiment() {
    base::write_file(folder_.path() / "lexicon.txt",
                     "good\t2.0\t0.5\t[2]\ngreat\t3.0\nbad\t-2.0\nno\t-1.0\n:)\t2.0\n");
  }
  double compound(std::string_view text) const {
    return SentimentScorer(folder_.path() / "lexicon.txt").score(text).compound;
  }
  // The compound of a sum of valences.
  static double of_sum(double sum) {
    return std::round(sum / std::sqrt(sum * sum + 15) * 1e4) / 1e4;
  }
  std::string error_of(const std::string& lexicon) const {
    base::write_file(folder_.path() / "other.txt", lexicon);
    try {
      SentimentScorer scorer(folder_.path() / "other.txt");
    } catch (const base::DataError& error) {
      return error.what();
    }
    return "no error";
  }
  base::TemporaryFolder folder_;
};

TEST_F(Sentiment, AddsTheValencesOfKnownWords) {
  EXPECT_DOUBLE_EQ(compound("a good film"), of_sum(2));
  EXPECT_DOUBLE_EQ(compound("good, great :)"), of_sum(7));
  EXPECT_EQ(compound(""), 0);
  EXPECT_EQ(compound("a film"), 0);
  const auto scores = SentimentScorer(folder_.path() / "lexicon.txt").score("a good film");
  EXPECT_DOUBLE_EQ(scores.positive, .6);  // 3 of 3 + 2 neutral words
  EXPECT_DOUBLE_EQ(scores.neutral, .4);
  EXPECT_EQ(scores.negative, 0);
}

TEST_F(Sentiment, NegationReachesThreeWordsBack) {
  EXPECT_DOUBLE_EQ(compound("not good"), of_sum(2 * -.74));
  EXPECT_DOUBLE_EQ(compound("isn't a real good"), of_sum(2 * -.74));
  EXPECT_DOUBLE_EQ(compound("not a b c good"), of_sum(2));
  EXPECT_DOUBLE_EQ(compound("never so good"), of_sum((2 + .293) * 1.25));
  EXPECT_DOUBLE_EQ(compound("without doubt good"), of_sum(2));
  EXPECT_DOUBLE_EQ(compound("no good"), of_sum(2 * -.74));
  EXPECT_DOUBLE_EQ(compound("least good"), of_sum(2 * -.74));
  EXPECT_DOUBLE_EQ(compound("at least good"), of_sum(2));
}

TEST_F(Sentiment, DegreeWordsFadeWithDistance) {
  EXPECT_DOUBLE_EQ(compound("very good"), of_sum(2 + .293));
  EXPECT_DOUBLE_EQ(compound("very a good"), of_sum(2 + .293 * .95));
  EXPECT_DOUBLE_EQ(compound("very a b good"), of_sum(2 + .293 * .9));
  EXPECT_DOUBLE_EQ(compound("slightly bad"), of_sum(-2 + .293));
}

TEST_F(Sentiment, CapitalsCountOnlyAmongOtherWords) {
  EXPECT_DOUBLE_EQ(compound("a GOOD film"), of_sum(2.733));
  EXPECT_DOUBLE_EQ(compound("GOOD FILM"), of_sum(2));
}

TEST_F(Sentiment, WhatFollowsButCountsMore) {
  EXPECT_DOUBLE_EQ(compound("good but bad"), of_sum(2 * .5 - 2 * 1.5));
}

TEST_F(Sentiment, PunctuationAmplifies) {
  EXPECT_DOUBLE_EQ(compound("good!"), of_sum(2 + .292));
  EXPECT_DOUBLE_EQ(compound("bad!!!!!!"), of_sum(-2 - 4 * .292));
  EXPECT_DOUBLE_EQ(compound("good?"), of_sum(2));
  EXPECT_DOUBLE_EQ(compound("good???"), of_sum(2 + 3 * .18));
  EXPECT_DOUBLE_EQ(compound("good????"), of_sum(2 + .96));
}

TEST_F(Sentiment, EmojiAreReadAsTheirWords) {
  base::write_file(folder_.path() / "emoji.txt", "\U0001F600\tgood face\n");
  const SentimentScorer scorer(folder_.path() / "lexicon.txt", folder_.path() / "emoji.txt");
  EXPECT_DOUBLE_EQ(scorer.score("film\U0001F600").compound, of_sum(2));
}

TEST_F(Sentiment, ADamagedLexiconIsNamedWithTheLine) {
  EXPECT_NE(error_of("good\t2\nbad\n").find("other.txt:2: expected a token"), std::string::npos);
  EXPECT_NE(error_of("good\tx\n").find("other.txt:1: the valence of \"good\" is \"x\""),
            std::string::npos);
  EXPECT_NE(error_of("").find("holds no word"), std::string::npos);
  EXPECT_THROW(SentimentScorer(folder_.path() / "none.txt"), base::DataError);
}

TEST(SentimentVectors, AreReproducedExactly) {
  const std::filesystem::path data = base::test::data_folder();
  if (!exists(data / "vader")) GTEST_SKIP() << "skipped: no " << data / "vader";
  const SentimentScorer scorer(data / "vader/vader_lexicon.txt",
                               data / "vader/emoji_utf8_lexicon.txt.xz");
  const base::Json root = base::read_json(data / "test_vectors/sentiment/vader_readme_cases.json");
  EXPECT_EQ(root["cases"].size(), 15u);
  for (const base::Json& item : root["cases"]) {
    const auto scores = scorer.score(item["text"].get<std::string>());
    EXPECT_DOUBLE_EQ(scores.compound, item["compound"].get<double>()) << item["text"];
    EXPECT_DOUBLE_EQ(scores.positive, item["pos"].get<double>()) << item["text"];
    EXPECT_DOUBLE_EQ(scores.neutral, item["neu"].get<double>()) << item["text"];
    EXPECT_DOUBLE_EQ(scores.negative, item["neg"].get<double>()) << item["text"];
  }
}

}  // namespace
}  // namespace feedback
