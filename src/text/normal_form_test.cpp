#include "text/normal_form.h"

#include <gtest/gtest.h>

namespace text {
namespace {

TEST(NormalForm, LettersAndAccentsComeTogetherAndApart) {
  EXPECT_EQ(to_nfd("caf\u00E9"), "cafe\u0301");
  EXPECT_EQ(to_nfc("cafe\u0301"), "caf\u00E9");
  EXPECT_EQ(to_nfd("\u1EAD"), "a\u0323\u0302");  // by way of U+1EA1
  EXPECT_EQ(to_nfc("\u212B"), "\u00C5");         // the Angstrom sign is a letter
  EXPECT_EQ(to_nfc("plain"), "plain");
  EXPECT_EQ(to_nfc(""), "");
}

TEST(NormalForm, MarksAreSortedByTheirClassOnly) {
  // The dot below (220) goes before the acute (230); two of one class stay in order.
  EXPECT_EQ(to_nfd("a\u0301\u0323"), "a\u0323\u0301");
  EXPECT_EQ(to_nfd("x\u0301\u0300"), "x\u0301\u0300");
  EXPECT_EQ(to_nfc("a\u0301\u0323"), "\u1EA1\u0301");
  // The first of two acutes keeps the second from its letter; a grave behind it too.
  EXPECT_EQ(to_nfc("q\u0301\u0301"), "q\u0301\u0301");
  EXPECT_EQ(to_nfc("\u0301e"), "\u0301e");
}

TEST(NormalForm, HangulIsCountedOut) {
  EXPECT_EQ(to_nfc("\u1112\u1161\u11AB"), "\uD55C");
  EXPECT_EQ(to_nfd("\uD55C"), "\u1112\u1161\u11AB");
  EXPECT_EQ(to_nfc("\uD558\u11AB"), "\uD55C");
  EXPECT_EQ(to_nfc("\u1112\u1161\u11A7"), "\uD558\u11A7");  // U+11A7 is no trailing consonant
}

TEST(NormalForm, ExcludedCompositionsStayApart) {
  EXPECT_EQ(to_nfc("\u0958"), "\u0915\u093C");
  EXPECT_EQ(to_nfc("\u2126"), "\u03A9");
}

TEST(NormalForm, InvalidBytesStay) {
  EXPECT_EQ(to_nfc("e\xFF\u0301"), "e\xFF\u0301");
  EXPECT_EQ(to_nfd("\xC3"
                   "\u00E9"),
            "\xC3"
            "e\u0301");
}

TEST(NormalForm, AMillionMarksAreNoTrouble) {
  std::string marks, expected;
  for (int i = 0; i < 200'000; ++i) marks += "\u0301\u0323";
  for (int i = 0; i < 200'000; ++i) expected += "\u0323";
  for (int i = 0; i < 200'000; ++i) expected += "\u0301";
  EXPECT_EQ(to_nfd(marks), expected);
  EXPECT_EQ(to_nfc(marks), expected);
}

}  // namespace
}  // namespace text
