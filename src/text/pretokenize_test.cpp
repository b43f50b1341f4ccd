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

Words cut(std::string_view text, const std::vector<Cut>& steps) {
  Words out;
  cut_words(text, steps, [&](std::string_view word) { out.emplace_back(word); });
  return out;
}

TEST(Pretokenize, Llama3TakesASignBeforeAWordAndThreeDigits) {
  const std::vector<Cut> llama3 = {Cut::llama3};
  EXPECT_EQ(cut("(hi) 12345!", llama3), (Words{"(hi", ")", " ", "123", "45", "!"}));
  EXPECT_EQ(cut("\thi  there", llama3), (Words{"\thi", " ", " there"}));
  EXPECT_EQ(cut("IT'S it\u2019s '\u017Fa", llama3),
            (Words{"IT", "'S", " it", "\u2019s", " '", "\u017Fa"}));
  EXPECT_EQ(cut("x'\u017Fa", llama3), (Words{"x", "'\u017F", "a"}));
  EXPECT_EQ(cut("12345", {Cut::qwen2}), (Words{"1", "2", "3", "4", "5"}));
}

TEST(Pretokenize, Llama3CutsSpacesAfterTheLastLineEnd) {
  const std::vector<Cut> llama3 = {Cut::llama3};
  EXPECT_EQ(cut("a \n \n  b", llama3), (Words{"a", " \n \n", " ", " b"}));
  EXPECT_EQ(cut("a!\n\nb", llama3), (Words{"a", "!\n\n", "b"}));
  EXPECT_EQ(cut("a   ", llama3), (Words{"a", "   "}));
  EXPECT_EQ(cut("\n", llama3), Words{"\n"});
  EXPECT_EQ(cut(" 7", llama3), (Words{" ", "7"}));
  EXPECT_EQ(cut(" !", llama3), Words{" !"});
}

TEST(Pretokenize, StepsAreDoneToEveryPiece) {
  EXPECT_EQ(cut("ab12c", {Cut::digits}), (Words{"ab", "1", "2", "c"}));
  EXPECT_EQ(cut("ab12c", {Cut::digit_runs}), (Words{"ab", "12", "c"}));
  EXPECT_EQ(cut("a 12", {Cut::digits, Cut::gpt2}), (Words{"a", " ", "1", "2"}));
  EXPECT_EQ(cut("a1", {Cut::digits, Cut::prefix_space, Cut::gpt2}), (Words{" a", " 1"}));
  EXPECT_EQ(cut(" a", {Cut::prefix_space, Cut::gpt2}), Words{" a"});
  EXPECT_EQ(cut("", {Cut::prefix_space}), Words{});
}

TEST(Pretokenize, BertLeavesSpacesOutAndSetsSignsApart) {
  EXPECT_EQ(cut(" don't  go!! \u00A1", {Cut::bert}),
            (Words{"don", "'", "t", "go", "!", "!", "\u00A1"}));
}

}  // namespace
}  // namespace text
