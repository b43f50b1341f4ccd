#include "base/time.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Time, AMomentIsReadWithFractionAndOffset) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_rfc3339("1970-01-02T00:00:01.25Z"), 86401250);
  EXPECT_EQ(parse_rfc3339("1970-01-02T01:00:00+01:00"), 86400000);
  EXPECT_EQ(parse_rfc3339("1970-01-01t23:30:00.0009-00:30"), 86400000);
  EXPECT_EQ(parse_rfc3339("2026-11-25T09:30:00.250Z"), 1795599000250);
  EXPECT_EQ(parse_rfc3339("2024-02-29T12:00:00Z"), 1709208000000);
  EXPECT_EQ(parse_rfc3339("2016-12-31T23:59:60Z"), parse_rfc3339("2017-01-01T00:00:00Z"));
}

TEST(Time, AnythingElseIsNoMoment) {
  for (const char* text :
       {"", "2026-11-25", "2026-11-25T09:30:00", "2026-11-25 09:30:00Z", "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-11-25T24:00:00Z", "2026-11-25T09:60:00Z",
        "2026-11-25T09:30:61Z", "2026-11-25T09:30:00.Z", "2026-11-25T09:30:00Zx",
        "2026-11-25T09:30:00+1:00", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00", "-026-11-25T09:30:00Z", "2026-11-25T09:30:0xZ"})
    EXPECT_EQ(parse_rfc3339(text), std::nullopt) << text;
}

TEST(Time, WhatIsWrittenIsReadBack) {
  EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(1795599000250), "2026-11-25T09:30:00.250Z");
  for (std::int64_t ms : {0LL, 951782399999LL, 1709208000001LL, 253402300799999LL})
    EXPECT_EQ(parse_rfc3339(format_rfc3339(ms)), ms);
}

}  // namespace
}  // namespace base
