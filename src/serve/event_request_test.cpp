#include "serve/event_request.h"

#include <gtest/gtest.h>

#include "base/time.h"
#include "serve/api_error.h"
#include "serve/rec_token.h"

namespace serve {
namespace {

constexpr std::int64_t kNow = 1'764'000'000'000;  // ms since 1970
const std::string kTurn = "018f3c1e-9a2b-7c3d-8e4f-000000000001",
                  kTalk = "018f3c1e-9a2b-7c3d-8e4f-000000000002",
                  kEvent = "018f3c1e-9a2b-7c3d-8e4f-000000000003";

std::string token(const std::string& subject = "me", std::int64_t expires = kNow + 1) {
  return sign({subject, kTalk, kTurn, {"7", "8"}, "0123456789ab", "default", expires}, "secret");
}

base::Json event(const std::string& type, const base::Json& more = base::Json::object()) {
  base::Json out = {{"schema", "attune.event/1"},
                    {"event_id", kEvent},
                    {"type", type},
                    {"occurred_at", base::format_rfc3339(kNow - 1000)}};
  out.update(more);
  return out;
}

EventJudge judge(bool analytics = true) {
  EventJudge out;
  out.caller.subject = "me";
  if (analytics) out.consent = feedback::StoredConsent{"me", true, false, "1", 0};
  out.secret = "secret";
  out.now = kNow;
  out.owns = [](const std::string& id) { return id == kTalk; };
  out.may_send = [] { return true; };
  return out;
}

ReadEvents read(const base::Json& event, const EventJudge& by = judge(),
                std::int64_t sent_at = kNow) {
  return read_events(
      {{"sent_at", base::format_rfc3339(sent_at)}, {"events", base::Json::array({event})}}, by);
}

// "" where it is taken, else the code.
std::string code(const base::Json& event, const EventJudge& by = judge()) {
  const ReadEvents out = read(event, by);
  return out.rejected.empty() ? "" : out.rejected.front().second;
}

TEST(EventRequest, TakesAnEventAboutASignedTurnWithItsItemsRank) {
  const ReadEvents out = read(event("rating", {{"rec_token", token()},
                                               {"item_id", "8"},
                                               {"props", {{"value", 1}, {"reasons", {"funny"}}}}}));
  ASSERT_EQ(out.events.size(), 1u);
  const feedback::StoredEvent& it = out.events.front();
  EXPECT_EQ(it.conversation, kTalk);
  EXPECT_EQ(it.turn, kTurn);
  EXPECT_EQ(it.item, "8");
  EXPECT_EQ(it.rank, 2);
  EXPECT_EQ(it.subject, "me");
  EXPECT_EQ(it.received_at, kNow);
  EXPECT_EQ(it.flags, base::Json::object());
}

TEST(EventRequest, CorrectsAClockThatIsWrong) {
  // Sent at 10:00 by its clock, of 9:58: two minutes before it came, whatever our clock says.
  const std::int64_t wrong = kNow - 3'600'000 * 10;
  const ReadEvents out =
      read(event("session_start", {{"occurred_at", base::format_rfc3339(wrong - 120'000)}}),
           judge(), wrong);
  ASSERT_EQ(out.events.size(), 1u);
  EXPECT_EQ(out.events[0].corrected_at, kNow - 120'000);
  EXPECT_EQ(out.events[0].flags, base::Json({{"skewed", true}}));
}

TEST(EventRequest, RefusesForgedForeignAndExpiredTokens) {
  const base::Json props = {{"value", 1}};
  EXPECT_EQ(code(event("rating", {{"rec_token", token()}, {"props", props}})), "");
  EXPECT_EQ(code(event("rating", {{"rec_token", "x" + token()}, {"props", props}})),
            "bad_rec_token");
  EXPECT_EQ(code(event("rating", {{"rec_token", token("you")}, {"props", props}})), "not_yours");
  EXPECT_EQ(code(event("rating", {{"rec_token", token("me", kNow - 1)}, {"props", props}})),
            "expired_rec_token");
  EXPECT_EQ(code(event("rating", {{"turn_id", kTurn}, {"props", props}})), "bad_rec_token");
  EXPECT_EQ(code(event("rating", {{"rec_token", token()}, {"item_id", "9"}, {"props", props}})),
            "bad_rec_token");
  EXPECT_EQ(code(event("rating", {{"rec_token", token()}, {"turn_id", kEvent}, {"props", props}})),
            "bad_rec_token");
  EXPECT_EQ(code(event("session_end", {{"conversation_id", kTalk}})), "");
  EXPECT_EQ(code(event("session_end", {{"conversation_id", kEvent}})), "not_yours");
}

TEST(EventRequest, WatchesOnlyWhoAgreed) {
  for (const char* type : {"dwell", "impression", "viewable", "reply", "copy"}) {
    EXPECT_EQ(code(event(type, {{"rec_token", token()}})), "") << type;
    EXPECT_EQ(code(event(type, {{"rec_token", token()}}), judge(false)), "no_consent") << type;
  }
  for (const char* type : {"seen", "not_interested", "item_click"})
    EXPECT_EQ(code(event(type, {{"rec_token", token()}}), judge(false)), "") << type;
}

// An event may come again at any time: one that was sent before somebody took their consent back
// must not give it anew. POST /v1/consent does.
TEST(EventRequest, AnEventIsNoConsent) {
  EXPECT_EQ(code(event("consent")), "");
  EXPECT_EQ(code(event("consent", {{"props", {{"training", true}}}})), "bad_props");
  const ReadEvents out = read_events(
      {{"sent_at", base::format_rfc3339(kNow)},
       {"events", base::Json::array({event("consent"), event("dwell", {{"rec_token", token()}})})}},
      judge(false));
  ASSERT_EQ(out.rejected.size(), 1u);
  EXPECT_EQ(out.rejected[0], std::make_pair(std::size_t{1}, std::string("no_consent")));
}

TEST(EventRequest, RefusesWhatIsBeyondTheSendersMeasure) {
  EventJudge by = judge();
  int left = 2;
  by.may_send = [&] { return left-- > 0; };
  const base::Json start = event("session_start"), wrong = event("explosion");
  const ReadEvents out = read_events({{"sent_at", base::format_rfc3339(kNow)},
                                      {"events", base::Json::array({start, wrong, start, start})}},
                                     by);
  EXPECT_EQ(out.places, (std::vector<std::size_t>{0, 2}));
  ASSERT_EQ(out.rejected.size(), 2u);
  EXPECT_EQ(out.rejected[1], std::make_pair(std::size_t{3}, std::string("rate_limited")));
}

TEST(EventRequest, RefusesWhatIsNotOfTheSchema) {
  EXPECT_EQ(code(7), "bad_schema");
  EXPECT_EQ(code(event("rating", {{"schema", "attune.event/2"}})), "bad_schema");
  EXPECT_EQ(code(event("explosion")), "bad_type");
  EXPECT_EQ(code(event("session_start", {{"event_id", nullptr}})), "bad_id");
  EXPECT_EQ(code(event("session_start", {{"event_id", "7"}})), "bad_value");
  EXPECT_EQ(code(event("session_start", {{"occurred_at", "yesterday"}})), "bad_time");
  EXPECT_EQ(code(event("session_start", {{"occurred_at", "1999-01-01T00:00:00Z"}})), "too_old");
  EXPECT_EQ(code(event("session_start", {{"seq", -1}})), "bad_value");
  const auto props = [](const std::string& type, const base::Json& value) {
    return code(event(type, {{"rec_token", token()}, {"props", value}}));
  };
  EXPECT_EQ(props("rating", base::Json::object()), "bad_props");
  EXPECT_EQ(props("rating", {{"value", 2}}), "bad_props");
  EXPECT_EQ(props("rating", {{"value", 1}, {"other", 1}}), "bad_props");
  EXPECT_EQ(props("rating", {{"value", 1}, {"comment", std::string(1001, 'x')}}), "bad_props");
  // A comment's length is in characters: 1,000 of three bytes each are not too many.
  std::string wide;
  for (int i = 0; i < 1000; ++i) wide += "＜";
  EXPECT_EQ(props("rating", {{"value", 1}, {"comment", wide}}), "");
  EXPECT_EQ(props("rating", {{"value", 1}, {"comment", wide + "＜"}}), "bad_props");
  EXPECT_EQ(props("dwell", {{"visible_ms", -1}}), "bad_props");
  EXPECT_EQ(props("dwell", {{"visible_ms", 1e12}}), "bad_props");
  EXPECT_EQ(props("dwell", {{"max_ratio", 1.5}}), "bad_props");
  EXPECT_EQ(props("dwell", {{"visible_ms", 1200.5}, {"final", true}, {"activations", 2}}), "");
  EXPECT_EQ(props("seen", {{"value", "yes"}}), "bad_props");
}

TEST(EventRequest, RefusesAnEnvelopeThatIsWrong) {
  EXPECT_THROW(read_events({{"events", base::Json::array()}}, judge()), ApiError);
  EXPECT_THROW(read_events({{"sent_at", base::format_rfc3339(kNow)},
                            {"events", base::Json::array_t(501, event("session_start"))}},
                           judge()),
               ApiError);
}

}  // namespace
}  // namespace serve
