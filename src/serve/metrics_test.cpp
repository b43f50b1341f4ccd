#include "serve/metrics.h"

#include <gtest/gtest.h>

namespace serve {
namespace {

constexpr std::int64_t kNow = 1'764'000'000'000;  // ms since 1970

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, CountsInPrometheusText) {
  Metrics metrics;
  metrics.request("/health", 200);
  metrics.request("/health", 200);
  metrics.store_commit(.002);
  metrics.store_commit(.2);
  const std::string text =
      metrics.prometheus({{"model_info", {{"id", "a \"run\" \\ n"}}, "The model.", 1}});
  EXPECT_TRUE(has_line(text, "attune_requests_total{route=\"/health\",status=\"200\"} 2")) << text;
  EXPECT_TRUE(has_line(text, "attune_model_info{id=\"a \\\"run\\\" \\\\ n\"} 1"));
  EXPECT_TRUE(has_line(text, "attune_store_commit_seconds_bucket{le=\"0.001\"} 0"));
  EXPECT_TRUE(has_line(text, "attune_store_commit_seconds_bucket{le=\"0.0025\"} 1"));
  EXPECT_TRUE(has_line(text, "attune_store_commit_seconds_bucket{le=\"+Inf\"} 2"));
  EXPECT_TRUE(has_line(text, "attune_store_commit_seconds_count 2"));
}

TEST(Metrics, AReplyWithoutWordsHasNoTimeToItsFirst) {
  Metrics metrics;
  ReplyTimes never;
  never.total = 9;
  metrics.reply(never, 5, 0, "cancelled", kNow);
  ReplyTimes spoken;
  spoken.first_token = .5;
  spoken.total = 2;
  metrics.reply(spoken, 5, 3, "stop", kNow);
  EXPECT_TRUE(has_line(metrics.prometheus({}), "attune_time_to_first_token_seconds_count 1"));
  const base::Json recent = metrics.recent(kNow);
  EXPECT_EQ(recent["latency"]["ttft_ms"]["p50"], 500);
  EXPECT_EQ(recent["traffic"]["minutes"][0]["ttft_ms_p50"], 500);
  EXPECT_EQ(recent["traffic"]["minutes"][0]["replies"], 2);
}

TEST(Metrics, ForgetsMinutesThatAreTwoHoursOld) {
  Metrics metrics;
  for (int minute = 0; minute < 130; ++minute)
    metrics.rejected("invalid_value", kNow + 60'000 * minute);
  const base::Json minutes = metrics.recent(kNow + 60'000 * 129)["traffic"]["minutes"];
  ASSERT_EQ(minutes.size(), 120u);
  EXPECT_EQ(minutes.back()["errors"], 1);
}

}  // namespace
}  // namespace serve
