#include "dialogue/find_names.h"

#include <gtest/gtest.h>

namespace dialogue {
namespace {

// "ID:the words of the text" of each name found.
std::vector<std::string> found(const std::vector<Name>& names, const std::string& text) {
  std::vector<std::string> out;
  for (const FoundName& name : NameFinder(names).find(text))
    out.push_back(std::to_string(name.id) + ":" + text.substr(name.begin, name.end - name.begin));
  return out;
}

using Strings = std::vector<std::string>;

TEST(FindNames, TheLongestNameWinsAndEveryPlaceIsFound) {
  const std::vector<Name> names = {{"It", 1}, {"It Follows", 2}, {"The Others", 3}};
  EXPECT_EQ(found(names, "it follows, then It. the others?"),
            (Strings{"2:it follows", "1:It", "3:the others"}));
  // The longer one is taken though the shorter one begins before it.
  EXPECT_EQ(found({{"a b", 1}, {"b c d", 2}}, "a b c d a b"), (Strings{"2:b c d", "1:a b"}));
}

TEST(FindNames, ANameNeverBeginsOrEndsInsideAWord) {
  EXPECT_EQ(found({{"Alien", 1}}, "Aliens xalien alien2 alien_x"), (Strings{"1:alien"}));
  EXPECT_EQ(found({{"Her", 1}}, "Where is Hera? \"Her\"!"), (Strings{"1:Her"}));
}

TEST(FindNames, SpacesDoNotCountButMarksDo) {
  const std::vector<Name> names = {{"X-Men Origins: Wolverine", 1}, {"Ocean's Eleven", 2}};
  EXPECT_EQ(found(names, "X-Men  Origins:Wolverine and Ocean\u2019s\nEleven's cast"),
            (Strings{"1:X-Men  Origins:Wolverine", "2:Ocean\u2019s\nEleven"}));
  EXPECT_TRUE(found(names, "X Men Origins Wolverine").empty());
}

TEST(FindNames, HtmlEntitiesAreTheCharactersTheyStandFor) {
  EXPECT_EQ(found({{"Tom & Jerry", 1}}, "see Tom &amp; Jerry&quot;"),
            (Strings{"1:Tom &amp; Jerry"}));
  EXPECT_EQ(found({{"Tom &amp; Jerry", 1}}, "see Tom & Jerry"), (Strings{"1:Tom & Jerry"}));
}

TEST(FindNames, LettersOutsideAsciiAreLettersInEitherCase) {
  EXPECT_EQ(
      found({{"Amélie", 1}, {"ČERNÝ PETR", 2}, {"Сталкер", 3}}, "AMÉLIE, Černý Petr, СТАЛКЕР"),
      (Strings{"1:AMÉLIE", "2:Černý Petr", "3:СТАЛКЕР"}));
  EXPECT_EQ(found({{"Ёлки", 1}, {"Žižek", 2}}, "ёлки ŽIŽEK"), (Strings{"1:ёлки", "2:ŽIŽEK"}));
  EXPECT_TRUE(found({{"Am", 1}, {"lie", 2}}, "Amélie").empty());
  EXPECT_EQ(found({{"Heat", 1}}, "“Heat”…"), (Strings{"1:Heat"}));
  EXPECT_EQ(found({{"Heat", 1}}, "\xff Heat \xc3"), (Strings{"1:Heat"}));  // not UTF-8
}

TEST(FindNames, ExactCaseKeepsCommonWordsOut) {
  const std::vector<Name> names = {{"Up", 1, Name::Case::exact}, {"Up in the Air", 2}};
  EXPECT_EQ(found(names, "what's up? Up! up in the air"), (Strings{"1:Up", "2:up in the air"}));
  // An exact name that does not fit leaves its words to one in either case.
  const std::vector<Name> both = {{"her", 1}, {"Her", 2, Name::Case::exact}};
  EXPECT_EQ(found(both, "her Her HER"), (Strings{"1:her", "2:Her", "1:HER"}));
}

TEST(FindNames, NamesWithoutAWordAreNeverFound) {
  EXPECT_TRUE(found({{"", 1}, {"!", 2}, {" ", 3}}, "! what ?").empty());
  EXPECT_TRUE(found({}, "anything").empty());
  EXPECT_TRUE(found({{"Heat", 1}}, "").empty());
}

}  // namespace
}  // namespace dialogue
