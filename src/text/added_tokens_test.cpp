#include "text/added_tokens.h"

#include <gtest/gtest.h>

namespace text {
namespace {

// The pieces as text: "[…]" for a token's, plain for others.
std::vector<std::string> cut(const AddedToken& flags, std::string_view text) {
  AddedToken other{"<o>", 2};
  AddedToken token = flags;
  token.text = "<t>";
  token.id = 1;
  const AddedTokenFinder finder({token, other}, {"<t>", "<o>"});
  std::vector<std::string> out;
  for (const AddedPiece& piece : finder.cut(text)) {
    const std::string bytes(text.substr(piece.begin, piece.end - piece.begin));
    out.push_back(piece.id >= 0 ? "[" + bytes + "]" : bytes);
  }
  return out;
}

using Pieces = std::vector<std::string>;

TEST(AddedTokens, TextIsCutAtThem) {
  EXPECT_EQ(cut({}, "a <t>b<o>"), (Pieces{"a ", "[<t>]", "b", "[<o>]"}));
  EXPECT_EQ(cut({}, ""), Pieces{});
  EXPECT_EQ(cut({}, "<t"), Pieces{"<t"});
}

TEST(AddedTokens, WhiteSpaceIsTakenAlongWhereTheFlagsSay) {
  AddedToken left{"", 0};
  left.lstrip = true;
  EXPECT_EQ(cut(left, "a \u00A0\n<t> b"), (Pieces{"a", "[ \u00A0\n<t>]", " b"}));
  EXPECT_EQ(cut(left, "<o>  <t>"), (Pieces{"[<o>]", "[  <t>]"}));
  AddedToken right{"", 0};
  right.rstrip = true;
  EXPECT_EQ(cut(right, "a <t> \u3000b"), (Pieces{"a ", "[<t> \u3000]", "b"}));
  EXPECT_EQ(cut(right, "<t>  <t>"), (Pieces{"[<t>  ]", "[<t>]"}));
}

TEST(AddedTokens, ASingleWordIsNotPartOfAnother) {
  AddedToken token{"", 0};
  token.single_word = true;
  EXPECT_EQ(cut(token, "<t>-<t>"), (Pieces{"[<t>]", "-", "[<t>]"}));
  EXPECT_EQ(cut(token, "a<t> \u00E9<t> <t>_ <t>7"), Pieces{"a<t> \u00E9<t> <t>_ <t>7"});
}

TEST(AddedTokens, ManyTokensThatTakeSpacesCostNoMoreThanTheText) {
  // Were each token to walk all the spaces again, this would take hours.
  AddedToken space{" ", 0};
  space.rstrip = true;
  space.lstrip = true;
  const AddedTokenFinder finder({space}, {" "});
  EXPECT_EQ(finder.cut(std::string(1 << 20, ' ')).size(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace text
