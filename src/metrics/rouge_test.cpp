#include "metrics/rouge.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace metrics {
namespace {

TEST(Rouge, WordsAreLettersAndDigitsInLowerCase) {
  EXPECT_EQ(rouge_words("Heat (1995), it's  G\u00e9ant"),
            (std::vector<std::string>{"heat", "1995", "it", "s", "g", "ant"}));
  EXPECT_TRUE(rouge_words(" ?! ").empty());
}

TEST(Rouge, IsTheLongestCommonSubsequence) {
  // a c d of a b c d and a c x d e: 3 / 4 and 3 / 5, F1 2 * .75 * .6 / 1.35.
  const RougeL found = rouge_l("a b c d", "a c x d e");
  EXPECT_DOUBLE_EQ(found.precision, .75);
  EXPECT_DOUBLE_EQ(found.recall, .6);
  EXPECT_NEAR(found.f1, 2. / 3, 1e-12);
  EXPECT_EQ(rouge_l("a b", "b a").recall, .5);
  EXPECT_EQ(rouge_l("", "a").f1, 0);
  EXPECT_EQ(rouge_l("x", "a").f1, 0);
}

TEST(Rouge, AgreesWithRougeScore) {
  // rouge-score 0.1.2: rougeL without stemmer.
  EXPECT_DOUBLE_EQ(
      rouge_l("You may like Heat (1995), it's good", "I like HEAT a lot, it is good").f1, .5);
}

TEST(Rouge, TheMeanIsOverSentences) {
  EXPECT_NEAR(mean_rouge_l({"a", "b c"}, {"a", "c"}), (1 + 2. / 3) / 2, 1e-12);
  EXPECT_EQ(mean_rouge_l({}, {}), 0);
  EXPECT_THROW(mean_rouge_l({"a"}, {}), base::Error);
}

}  // namespace
}  // namespace metrics
