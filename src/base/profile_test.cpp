#include "base/profile.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Profile, AddsUpTheTimesOfAPhaseInTheOrderPhasesWereMet) {
  Profile profile;
  profile.add("forward", 1, {.tokens = 10, .operations = 100});
  profile.add("optimiser", .5, {.bytes = 7});
  profile.add("forward", 2, {.tokens = 20, .operations = 50});
  ASSERT_EQ(profile.phases().size(), 2u);
  const Profile::Phase& forward = profile.phases()[0];
  EXPECT_EQ(forward.name, "forward");
  EXPECT_EQ(forward.times, 2);
  EXPECT_EQ(forward.seconds, 3);
  EXPECT_EQ(forward.work.tokens, 30);
  EXPECT_EQ(forward.work.operations, 150);
  EXPECT_EQ(profile.phases()[1].work.bytes, 7);
}

TEST(Profile, ATimerCountsWhenItEnds) {
  Profile profile;
  {
    const auto timer = profile.time("update", {.tokens = 3});
    EXPECT_TRUE(profile.phases().empty());
  }
  ASSERT_EQ(profile.phases().size(), 1u);
  EXPECT_GE(profile.phases()[0].seconds, 0);
  EXPECT_EQ(profile.phases()[0].work.tokens, 3);
}

TEST(Profile, PassesOnWhatTheTimedWorkReturns) {
  Profile profile;
  EXPECT_EQ(profile.during("sum", [] { return 1 + 2; }), 3);
  profile.during("nothing", [] {});
  ASSERT_EQ(profile.phases().size(), 2u);
  EXPECT_EQ(profile.phases()[0].name, "sum");
  EXPECT_EQ(profile.phases()[1].times, 1);
}

TEST(Profile, IsDescribedWithSharesRatesAndWhatTheMachineAloneWouldTake) {
  Profile profile;
  // 80 operations at 20 a second and 12 bytes at 12 a second: 5 of 8 seconds.
  profile.add("forward", 8, {.tokens = 400, .operations = 80, .bytes = 12});
  profile.add("checkpoints", 1);
  const std::vector<std::string> lines = describe(profile, 10, {.operations = 20, .bytes = 12});
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0],
            "phase                      times    seconds   share    tokens/s  of the floor");
  EXPECT_EQ(lines[1],
            "forward                        1        8.0    80 %          50          62 %");
  EXPECT_EQ(lines[2], "checkpoints                    1        1.0    10 %");
  EXPECT_EQ(lines[3], "the rest                                1.0    10 %");
}

}  // namespace
}  // namespace base
