#include "serve/event_request.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/time.h"
#include "base/uuid.h"
#include "serve/api_error.h"
#include "serve/bounded.h"
#include "serve/rec_token.h"

namespace serve {
namespace {

constexpr std::size_t kMostEvents = 500;
constexpr std::int64_t kMinute = 60 * 1000, kHour = 60 * kMinute, kOldest = 30 * 24 * kHour;  // ms
constexpr std::size_t kReasons = 8, kReasonBytes = 64, kCommentLength = 1000, kIdBytes = 128;

// Why one event is refused.
struct Refusal {
  std::string code;
};

enum class Kind { truth, whole, number, text, reasons, id };
struct Property {
  const char* name;
  Kind kind;
  double least = 0, most = 0;
};
constexpr double kDay = 24. * 3600 * 1000;

// The closed list of types and of what each may say.
const std::map<std::string, std::vector<Property>>& types() {
  static const std::vector<Property> of_turn = {{"of", Kind::id}};
  static const std::map<std::string, std::vector<Property>> all = {
      {"impression", {}},
      {"viewable", {}},
      {"dwell",
       {{"visible_ms", Kind::number, 0, kDay},
        {"streaming_ms", Kind::number, 0, kDay},
        {"after_ms", Kind::number, 0, kDay},
        {"max_ratio", Kind::number, 0, 1},
        {"scroll_depth", Kind::number, 0, 1},
        {"activations", Kind::whole, 0, 1e6},
        {"final", Kind::truth}}},
      {"item_click", {}},
      {"item_open", {}},
      {"copy", {}},
      {"reply", {{"latency_ms", Kind::number, 0, kDay}, {"chars", Kind::whole, 0, 1e6}}},
      {"regenerate", of_turn},
      {"stop", of_turn},
      {"edit", of_turn},
      {"undo", of_turn},
      {"rating",
       {{"value", Kind::whole, -1, 1},
        {"reasons", Kind::reasons},
        {"comment", Kind::text, 0, kCommentLength}}},
      {"correction", {{"comment", Kind::text, 0, kCommentLength}}},
      {"not_interested",
       {{"value", Kind::truth},
        {"reasons", Kind::reasons},
        {"comment", Kind::text, 0, kCommentLength}}},
      {"seen", {{"value", Kind::truth}}},
      {"conversion", {{"value", Kind::number, 0, 1}}},
      {"session_start", {}},
      {"session_end", {}},
      {"consent", {}},
  };
  return all;
}

// What is watched rather than said: only with consent to analytics.
bool is_watched(const std::string& type) {
  static const std::set<std::string> watched = {"impression", "viewable", "dwell", "reply", "copy"};
  return watched.contains(type);
}

// Code points: never more than what a browser counts.
std::ptrdiff_t characters(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
}

bool fits(const base::Json& value, const Property& property) {
  const auto within = [&] {
    const double x = value.get<double>();
    return x >= property.least && x <= property.most;
  };
  switch (property.kind) {
    case Kind::truth:
      return value.is_boolean();
    case Kind::whole:
      return value.is_number_integer() && within();
    case Kind::number:
      return value.is_number() && within();
    case Kind::text:
      return value.is_string() &&
             static_cast<double>(characters(value.get_ref<const std::string&>())) <= property.most;
    case Kind::id:
      return value.is_string() && base::is_uuid(value.get_ref<const std::string&>());
    case Kind::reasons:
      return value.is_array() && value.size() <= kReasons &&
             std::all_of(value.begin(), value.end(), [](const base::Json& one) {
               return one.is_string() && one.get_ref<const std::string&>().size() <= kReasonBytes;
             });
  }
  return false;
}

base::Json read_props(const base::Json& event, const std::string& type) {
  const base::Json props = object_in(event, "props");
  const std::vector<Property>& known = types().at(type);
  for (const auto& [name, value] : props.items()) {
    const auto at = std::find_if(known.begin(), known.end(),
                                 [&name = name](const Property& one) { return name == one.name; });
    if (at == known.end() || !fits(value, *at)) throw Refusal{"bad_props"};
  }
  if (type == "rating" && !props.contains("value")) throw Refusal{"bad_props"};
  return props;
}

std::string id_in(const base::Json& event, const std::string& key) {
  return uuid_in(event, key).value_or("");
}

// What the event is about, as the server signed it.
void attach_token(const base::Json& event, const EventJudge& judge, feedback::StoredEvent& out) {
  const std::string text = text_in(event, "rec_token", 4096).value_or("");
  if (text.empty()) {
    if (!out.turn.empty() || !out.item.empty()) throw Refusal{"bad_rec_token"};
    if (!out.conversation.empty() && !judge.owns(out.conversation)) throw Refusal{"not_yours"};
    return;
  }
  const auto token = verify(text, judge.secret);
  if (!token) throw Refusal{"bad_rec_token"};
  if (token->subject != judge.caller.subject) throw Refusal{"not_yours"};
  if (token->expires_at < judge.now) throw Refusal{"expired_rec_token"};
  if ((!out.conversation.empty() && out.conversation != token->conversation) ||
      (!out.turn.empty() && out.turn != token->turn))
    throw Refusal{"bad_rec_token"};
  out.conversation = token->conversation;
  out.turn = token->turn;
  if (out.item.empty()) return;
  const auto at = std::find(token->items.begin(), token->items.end(), out.item);
  if (at == token->items.end()) throw Refusal{"bad_rec_token"};
  out.rank = static_cast<int>(at - token->items.begin()) + 1;
}

feedback::StoredEvent read_event(const base::Json& event, std::int64_t sent_at,
                                 const EventJudge& judge) {
  if (!event.is_object() || text_in(event, "schema", 64) != "attune.event/1")
    throw Refusal{"bad_schema"};
  feedback::StoredEvent out;
  out.type = text_in(event, "type", 32).value_or("");
  if (!types().contains(out.type)) throw Refusal{"bad_type"};
  out.id = id_in(event, "event_id");
  if (out.id.empty()) throw Refusal{"bad_id"};
  const auto at = base::parse_rfc3339(text_in(event, "occurred_at", 64).value_or(""));
  if (!at) throw Refusal{"bad_time"};
  out.occurred_at = *at;
  out.received_at = judge.now;
  // Two clocks differ; how long ago it was, by one of them, does not.
  out.corrected_at = judge.now - std::max<std::int64_t>(0, sent_at - *at);
  if (judge.now - out.corrected_at > kOldest) throw Refusal{"too_old"};
  out.subject = judge.caller.subject;
  out.conversation = id_in(event, "conversation_id");
  out.turn = id_in(event, "turn_id");
  out.item = text_in(event, "item_id", kIdBytes).value_or("");
  out.page = id_in(event, "page_id");
  out.page_seq = whole_in(event, "seq", 0, 1'000'000'000).value_or(0);
  out.props = read_props(event, out.type);
  attach_token(event, judge, out);
  if (is_watched(out.type) && !(judge.consent && judge.consent->analytics))
    throw Refusal{"no_consent"};
  if (!judge.may_send()) throw Refusal{"rate_limited"};
  out.flags = base::Json::object();
  if (judge.now - out.corrected_at > kHour) out.flags["late"] = true;
  if (std::abs(judge.now - sent_at) > 5 * kMinute || sent_at < *at) out.flags["skewed"] = true;
  return out;
}

}  // namespace

ReadEvents read_events(const base::Json& body, const EventJudge& judge) {
  const auto sent_at = base::parse_rfc3339(text_in(body, "sent_at", 64).value_or(""));
  if (!sent_at)
    throw ApiError(400, "invalid_value", "\"sent_at\" must be a time by RFC 3339", "sent_at");
  ReadEvents out;
  const base::Json list = list_in(body, "events", kMostEvents);
  for (std::size_t i = 0; i < list.size(); ++i) {
    try {
      out.events.push_back(read_event(list[i], *sent_at, judge));
      out.places.push_back(i);
    } catch (const Refusal& refusal) {
      out.rejected.emplace_back(i, refusal.code);
    } catch (const ApiError&) {  // a part out of its bounds
      out.rejected.emplace_back(i, "bad_value");
    }
  }
  return out;
}

}  // namespace serve
