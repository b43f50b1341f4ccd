#include "metrics/chrf.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace metrics {
namespace {

TEST(Chrf, IsWorkedOutByHand) {
  // 1-grams 2 of 3, 2-grams 1 of 2, 3-grams 0 of 1 on both sides: F is (2/3 + 1/2 + 0) / 3.
  EXPECT_NEAR(sentence_chrf("abc", "abd"), 100 * 7. / 18, 1e-9);
  // 1-grams: 1 of 1 found, of 2 in the reference; no 2-gram in "a". F2 = 5 * .5 / (4 + .5).
  EXPECT_NEAR(sentence_chrf("a", "ab"), 100 * 2.5 / 4.5, 1e-9);
  EXPECT_EQ(sentence_chrf("", "x"), 0);
  EXPECT_EQ(sentence_chrf("x", ""), 0);
  EXPECT_EQ(sentence_chrf("a", "b"), 0);
}

TEST(Chrf, ASentenceTooShortForAnOrderCountsNothingThere) {
  // 1-grams: 3 of 4 found, 3 of 3 in the references. 2-grams: "a" has none, so that "ab" against it
  // does not count: 1 of 1. P (.75 + 1) / 2, R 1: 5 P R / (4 P + R).
  EXPECT_NEAR(corpus_chrf({"ab", "ab"}, {"a", "ab"}).score, 100 * 5 * .875 / 4.5, 1e-9);
}

TEST(Chrf, WhiteSpaceIsNotSeen) {
  EXPECT_NEAR(sentence_chrf("the cat", "th e\u00a0c\tat"), 100, 1e-9);
}

TEST(Chrf, AgreesWithSacrebleu) {
  // sacrebleu 2.6.0: CHRF().sentence_score, .corpus_score.
  EXPECT_NEAR(sentence_chrf("I like Heat (1995) a lot", "You may like Heat"), 45.15940503792748,
              1e-9);
  EXPECT_NEAR(
      sentence_chrf("\u00dcnder \u6771\u4eac \U0001f3ac", "under \u6771\u4eac film \U0001f3ac"),
      39.31884313539169, 1e-9);
  const ChrfScore corpus =
      corpus_chrf({"I like Heat (1995) a lot", "\u00dcnder \u6771\u4eac \U0001f3ac", "see"},
                  {"You may like Heat", "under \u6771\u4eac film \U0001f3ac", "see it!"});
  EXPECT_NEAR(corpus.score, 40.743876717748265, 1e-9);
  EXPECT_EQ(corpus.signature, "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:attune-1");
}

TEST(Chrf, ListsOfDifferentLengthAreRefused) {
  EXPECT_THROW(corpus_chrf({"a"}, {}), base::Error);
  EXPECT_EQ(corpus_chrf({}, {}).score, 0);
}

}  // namespace
}  // namespace metrics
