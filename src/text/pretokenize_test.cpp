#include "text/pretokenize.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace text {
namespace {

using Words = std::vector<std::string>;

Words cut(std::string_view text) {
  Words out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = word_end(text, begin);
    out.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

TEST(Pretokenize, WordsTakeTheSpaceBeforeThem) {
  EXPECT_EQ(cut("Hello, world 42!"), (Words{"Hello", ",", " world", " 42", "!"}));
  EXPECT_EQ(cut("abc123"), (Words{"abc", "123"}));
}

TEST(Pretokenize, ContractionsAreCutInLowerCaseOnly) {
  EXPECT_EQ(cut("I've it's we'll I'd"), (Words{"I", "'ve", " it", "'s", " we", "'ll", " I", "'d"}));
  EXPECT_EQ(cut("IT'S"), (Words{"IT", "'", "S"}));
  EXPECT_EQ(cut("'srt"), (Words{"'s", "rt"}));
  EXPECT_EQ(cut(" 's"), (Words{" '", "s"}));
  EXPECT_EQ(cut("''s"), (Words{"''", "s"}));
}

TEST(Pretokenize, ARunOfSpacesLeavesItsLastOneToTheNextWord) {
  EXPECT_EQ(cut("a   b"), (Words{"a", "  ", " b"}));
  EXPECT_EQ(cut("a\n\nb"), (Words{"a", "\n", "\n", "b"}));
  EXPECT_EQ(cut("a \n"), (Words{"a", " \n"}));
  EXPECT_EQ(cut("  "), (Words{"  "}));
  EXPECT_EQ(cut(" "), (Words{" "}));
  EXPECT_EQ(cut("\tb"), (Words{"\t", "b"}));
  EXPECT_EQ(cut("a\u00A0b"), (Words{"a", "\u00A0", "b"}));
}

TEST(Pretokenize, InvalidBytesGoWithTheSigns) {
  EXPECT_EQ(cut("a\xFF!b"), (Words{"a", "\xFF!", "b"}));
  EXPECT_EQ(cut(" \xFF"), (Words{" \xFF"}));
}

}  // namespace
}  // namespace text
