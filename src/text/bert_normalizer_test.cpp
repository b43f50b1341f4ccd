#include "text/bert_normalizer.h"

#include <gtest/gtest.h>

namespace text {
namespace {

// Nothing but what a test turns on.
BertNormalizer nothing() {
  return {.clean_text = false,
          .handle_chinese_chars = false,
          .strip_accents = false,
          .lowercase = false};
}

TEST(BertNormalizer, CleansControlsAndMakesSpacesPlain) {
  BertNormalizer rules = nothing();
  rules.clean_text = true;
  EXPECT_EQ(normalize("a\x01\tb\u00A0c\u200Dd\uFFFD\re", rules), "a b cd e");
  EXPECT_EQ(normalize("a\u0378", rules), "a\u0378");  // unassigned
}

TEST(BertNormalizer, SetsChineseCharactersApart) {
  BertNormalizer rules = nothing();
  rules.handle_chinese_chars = true;
  EXPECT_EQ(normalize("a\u4E16\u754Cb", rules), "a \u4E16  \u754C b");
  EXPECT_EQ(normalize("\u3042\uD55C", rules), "\u3042\uD55C");
}

TEST(BertNormalizer, AccentsGoWithLowerCaseUnlessSaidOtherwise) {
  BertNormalizer rules = nothing();
  rules.lowercase = true;
  EXPECT_EQ(normalize("\u00C9A", rules), "\u00E9a");
  rules.strip_accents = std::nullopt;
  EXPECT_EQ(normalize("\u00C9A", rules), "ea");
  rules.lowercase = false;
  EXPECT_EQ(normalize("\u00C9A", rules), "\u00C9A");
  rules.strip_accents = true;
  EXPECT_EQ(normalize("\u00C9A", rules), "EA");
}

TEST(BertNormalizer, LowerCaseMayBeTwoCharacters) {
  BertNormalizer rules = nothing();
  rules.lowercase = true;
  EXPECT_EQ(normalize("\u0130", rules), "i\u0307");
  EXPECT_EQ(normalize("\u03A3", rules), "\u03C3");
}

}  // namespace
}  // namespace text
