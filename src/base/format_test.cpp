#include "base/format.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(InQuotes, ShowsTextThatATerminalCannotBeDrivenBy) {
  EXPECT_EQ(in_quotes("h.0.weight"), "\"h.0.weight\"");
  EXPECT_EQ(in_quotes("a\x1b[2J\n"), "\"a\\x1b[2J\\x0a\"");
  EXPECT_EQ(in_quotes(std::string("a\0b", 3)), "\"a\\x00b\"");
}

TEST(InQuotes, CutsLongTextBetweenCharacters) {
  EXPECT_EQ(in_quotes("abcd", 4), "\"abcd\"");
  EXPECT_EQ(in_quotes("abcde", 4), "\"abcd…\"");
  EXPECT_EQ(in_quotes("abcüe", 4), "\"abc…\"");
}

}  // namespace
}  // namespace base
