#include "base/error.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Error, SaysWhatItIsMadeOfAndItsKind) {
  const DataError error("a/b.json", ":", 12, ": not JSON");
  EXPECT_STREQ(error.what(), "a/b.json:12: not JSON");
  EXPECT_EQ(error.kind(), ErrorKind::data);
  EXPECT_EQ(UsageError("x").kind(), ErrorKind::usage);
  EXPECT_EQ(ResourceError("x").kind(), ErrorKind::resource);
}

TEST(Error, ABrokenInvariantIsInternal) {
  EXPECT_NO_THROW(check(true, "fine"));
  try {
    check(2 > 3, "2 > ", 3);
    FAIL() << "did not throw";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::internal);
    EXPECT_STREQ(error.what(), "2 > 3");
  }
}

}  // namespace
}  // namespace base
