#include "base/progress.h"

#include <vector>

#include <gtest/gtest.h>

namespace base {
namespace {

struct KeepingConsole : Console {
  void line(const std::string& text) override { lines.push_back(text); }
  void progress(const std::string& text) override { updates.push_back(text); }
  std::vector<std::string> lines, updates;
};

TEST(Progress, DurationsAreShort) {
  EXPECT_EQ(format_duration(.42), "0.4s");
  EXPECT_EQ(format_duration(9.96), "10s");
  EXPECT_EQ(format_duration(59.6), "1m00s");
  EXPECT_EQ(format_duration(90), "1m30s");
  EXPECT_EQ(format_duration(7500), "2h05m");
}

TEST(Progress, SaysWhatIsDoneOfTheTotalWithANote) {
  KeepingConsole console;
  Progress progress(console, "sft", 10, 4);
  progress.advance(2, "loss 3.21");
  ASSERT_EQ(console.updates.size(), 1u);
  EXPECT_EQ(console.updates[0].rfind("sft  6/10  ", 0), 0u);
  EXPECT_TRUE(console.updates[0].ends_with(" left  loss 3.21"));
  progress.finish();
  EXPECT_EQ(console.lines.at(0).rfind("sft  6/10 in ", 0), 0u);
}

}  // namespace
}  // namespace base
