#include "serve/text_stream.h"

#include <gtest/gtest.h>

namespace serve {
namespace {

// What is sent, piece by piece, parted by "|".
std::string sent(TextStream stream, const std::vector<std::string>& pieces) {
  std::string out;
  for (const std::string& piece : pieces) out += stream.take(piece) + "|";
  return out + stream.finish();
}

TEST(TextStream, SendsWordsAsTheyComeWithoutTheSpaceBefore) {
  EXPECT_EQ(sent(TextStream(), {" Did", " you", " see it?"}), "Did| you| see it?|");
  EXPECT_EQ(sent(TextStream(), {"  ", " a"}), "|a|");
}

TEST(TextStream, WaitsForTheRestOfACharacter) {
  // é is C3 A9; the euro sign E2 82 AC.
  EXPECT_EQ(sent(TextStream(), {"caf\xC3", "\xA9"}), "caf|\xC3\xA9|");
  EXPECT_EQ(sent(TextStream(), {"\xE2", "\x82", "\xAC!"}), "||\xE2\x82\xAC!|");
  EXPECT_EQ(sent(TextStream(), {"a\xC3"}), "a|\uFFFD");  // never whole
}

TEST(TextStream, WhatIsNoCharacterBecomesTheOneForThat) {
  EXPECT_EQ(sent(TextStream(), {"look at", "\x96", " films"}), "look at|\uFFFD| films|");
  EXPECT_EQ(sent(TextStream(), {"a\xC3", "b"}), "a|\uFFFDb|");
  TextStream stream;
  stream.take("x\xFF");  // could be the beginning of one
  stream.finish();
  EXPECT_EQ(stream.sent(), "x\uFFFD");
}

TEST(TextStream, EndsBeforeAStopTextHoweverItIsCut) {
  for (const std::vector<std::string>& pieces : {std::vector<std::string>{"one STOP two"},
                                                 {"one S", "TOP two"},
                                                 {"one ", "S", "T", "O", "P"}}) {
    TextStream stream({"STOP"});
    std::string out;
    for (const std::string& piece : pieces) out += stream.take(piece);
    EXPECT_EQ(out + stream.finish(), "one ");
    EXPECT_TRUE(stream.stopped());
    EXPECT_EQ(stream.sent(), "one ");
  }
}

TEST(TextStream, SendsWhatOnlyBeganLikeAStopText) {
  TextStream stream({"STOP"});
  EXPECT_EQ(stream.take("a ST"), "a ");
  EXPECT_EQ(stream.take("AR"), "STAR");
  EXPECT_FALSE(stream.stopped());
}

}  // namespace
}  // namespace serve
