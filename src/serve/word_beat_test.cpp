#include "serve/word_beat.h"

#include <gtest/gtest.h>

namespace serve {
namespace {

// After the clock's beginning, in a beat that begins at 1000 ms.
WordBeat::Clock::time_point at(int milliseconds) {
  return WordBeat::Clock::time_point(std::chrono::milliseconds(1000 + milliseconds));
}

TEST(WordBeat, TheFirstWordsGoAtOnce) {
  WordBeat beat;
  EXPECT_EQ(beat.take("a", at(7)), "a");
  EXPECT_EQ(beat.rest(), "");
}

TEST(WordBeat, WordsThatComeFastGoTogetherInTheNextBeat) {
  WordBeat beat;
  EXPECT_EQ(beat.take("a", at(1)), "a");
  EXPECT_EQ(beat.take(" b", at(8)), "");
  EXPECT_EQ(beat.take(" c", at(17)), "");
  EXPECT_EQ(beat.take(" d", at(24)), "");
  EXPECT_EQ(beat.take(" e", at(25)), " b c d e");
  EXPECT_EQ(beat.take(" f", at(30)), "");
  EXPECT_EQ(beat.rest(), " f");
  EXPECT_EQ(beat.rest(), "");
}

TEST(WordBeat, WordsThatComeSlowlyGoAtOnceWithWhatWasKept) {
  WordBeat beat;
  beat.take("a", at(0));
  EXPECT_EQ(beat.take(" b", at(5)), "");
  EXPECT_EQ(beat.take(" c", at(15)), " b c");  // 10 ms later
}

TEST(WordBeat, NoWordsChangeNothing) {
  WordBeat beat;
  EXPECT_EQ(beat.take("", at(0)), "");
  EXPECT_EQ(beat.take("a", at(2)), "a");
  EXPECT_EQ(beat.take(" b", at(9)), "");
  EXPECT_EQ(beat.take("", at(26)), "");
  EXPECT_EQ(beat.take(" c", at(18)), "");  // 9 ms after b, in its beat
}

}  // namespace
}  // namespace serve
