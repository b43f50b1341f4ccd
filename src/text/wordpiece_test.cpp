#include "text/wordpiece.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace text {
namespace {

using Ids = std::vector<int>;

WordPiece small() {
  return WordPiece({{"[UNK]", 0}, {"un", 1}, {"##aff", 2}, {"##able", 3}, {"##a", 4}, {"u", 5}},
                   {});
}

TEST(WordPiece, TakesTheLongestPieceAtEachPlace) {
  EXPECT_EQ(small().split("unaffable").ids, (Ids{1, 2, 3}));
  EXPECT_EQ(small().split("una").ids, (Ids{1, 4}));
}

TEST(WordPiece, AWordWithAPlaceThatNothingFitsIsUnknown) {
  EXPECT_EQ(small().split("unx").ids, Ids{0});
  EXPECT_EQ(small().split("aff").ids, Ids{0});      // only goes on
  EXPECT_EQ(small().split("unun").ids, Ids{0});     // only begins
  EXPECT_EQ(small().split("ua").ids, (Ids{5, 4}));  // no way back from "un": here there is none
}

TEST(WordPiece, AWordOfMoreCharactersThanTheLongestIsUnknown) {
  const std::string word = "u" + std::string(99, 'a');
  EXPECT_EQ(small().split(word).ids.size(), 100u);
  EXPECT_EQ(small().split(word + "a").ids, Ids{0});
}

TEST(WordPiece, AWordCostsAtMostTheLongestTokenForEachByte) {
  const std::string longest = "##" + std::string(20, 'a') + "b";
  const WordPiece pieces({{"[UNK]", 0}, {"a", 1}, {"##a", 2}, {longest, 3}},
                         {.longest_word = 1000});
  for (const int length : {100, 1000}) {
    const WordPieces found = pieces.split(std::string(length, 'a'));
    EXPECT_EQ(found.ids.size(), static_cast<std::size_t>(length));
    EXPECT_LE(found.steps, 23 * length);
  }
}

TEST(WordPiece, TheUnknownTokenHasToBeThere) {
  EXPECT_THROW(WordPiece({{"a", 0}}, {}), base::Error);
}

}  // namespace
}  // namespace text
