#include "text/unicode.h"

#include <gtest/gtest.h>

namespace text {
namespace {

TEST(Unicode, ClassesAreThoseOfTheRegularExpression) {
  EXPECT_EQ(classify(U'a'), CharacterClass::letter);
  EXPECT_EQ(classify(U'\u00E9'), CharacterClass::letter);
  EXPECT_EQ(classify(U'\u4E16'), CharacterClass::letter);
  EXPECT_EQ(classify(U'\U00020000'), CharacterClass::letter);  // beyond the basic plane
  EXPECT_EQ(classify(U'7'), CharacterClass::number);
  EXPECT_EQ(classify(U'\u00BD'), CharacterClass::number);  // one half
  EXPECT_EQ(classify(U'\t'), CharacterClass::space);
  EXPECT_EQ(classify(U'\u3000'), CharacterClass::space);
  EXPECT_EQ(classify(U'\u180E'), CharacterClass::other);  // a space until Unicode 6.3
  EXPECT_EQ(classify(U'\u001C'), CharacterClass::other);  // a space for Python only
  EXPECT_EQ(classify(U'\u200B'), CharacterClass::other);
  EXPECT_EQ(classify(U'\U0001F30D'), CharacterClass::other);
  EXPECT_EQ(classify(kInvalid), CharacterClass::other);
}

TEST(Unicode, BytesThatAreNoUtf8AreTakenOneByOne) {
  for (const std::string_view bad : {"\xFF", "\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80",
                                     "\xF4\x90\x80\x80", "\xE4\xB8", "\xC3"}) {
    EXPECT_EQ(code_point_at(bad, 0).value, kInvalid);
    EXPECT_EQ(code_point_at(bad, 0).length, 1u);
    EXPECT_FALSE(is_utf8(bad));
  }
  EXPECT_EQ(code_point_at("\xF4\x8F\xBF\xBF", 0).value, 0x10FFFFu);
  EXPECT_TRUE(is_utf8("caf\u00E9 \U0001F30D"));
}

TEST(Unicode, EveryCodePointComesBackFromItsUtf8) {
  for (char32_t value = 0; value <= 0x10FFFF; value += 7) {
    if (value >= 0xD800 && value <= 0xDFFF) continue;
    const std::string bytes = to_utf8(value);
    ASSERT_EQ(code_point_at(bytes, 0).value, value);
    ASSERT_EQ(code_point_at(bytes, 0).length, bytes.size());
  }
}

TEST(Unicode, InvalidStretchesAreReplacedAsOthersReplaceThem) {
  EXPECT_EQ(replace_invalid("a\u00E9\U0001F30D"), "a\u00E9\U0001F30D");
  EXPECT_EQ(replace_invalid("\xFF\xFF"), "\uFFFD\uFFFD");
  EXPECT_EQ(replace_invalid("\xF0\x9F\x8C"), "\uFFFD");  // cut after three of four bytes
  EXPECT_EQ(replace_invalid("\xF0\x9F\x8Cx"), "\uFFFDx");
  EXPECT_EQ(replace_invalid("\xE4\xB8\xE4\xB8\x96"), "\uFFFD\u4E16");
  EXPECT_EQ(replace_invalid("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(replace_invalid("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(replace_invalid("\xC3"), "\uFFFD");
}

TEST(Unicode, LowerCaseLeavesEverythingElseAlone) {
  EXPECT_EQ(to_lower("ABC xyz 1!"), "abc xyz 1!");
  EXPECT_EQ(to_lower("\u00C9\u0416\u0100\u0101"), "\u00E9\u0436\u0101\u0101");
  EXPECT_EQ(to_lower("A\xFF"
                     "B"),
            "a\xFF"
            "b");
}

TEST(Unicode, AWordIsUpperCaseWhenItHasCasedLettersAndNoLowerOnes) {
  EXPECT_TRUE(is_upper("GREAT"));
  EXPECT_TRUE(is_upper("B4!"));
  EXPECT_FALSE(is_upper("Great"));
  EXPECT_FALSE(is_upper("42!"));
  EXPECT_FALSE(is_upper(""));
}

TEST(Unicode, WhitespaceOfAnyKindSplitsWords) {
  const std::vector<std::string_view> expected = {"a", "b", "c"};
  EXPECT_EQ(split_whitespace(" a\t\u00A0b\u2003\n c "), expected);
  EXPECT_TRUE(split_whitespace(" \n").empty());
}

}  // namespace
}  // namespace text
