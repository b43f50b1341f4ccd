#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "feedback/store.h"
#include "serve/access.h"

namespace serve {

// What an event is judged by.
struct EventJudge {
  Caller caller;
  std::optional<feedback::StoredConsent> consent;  // the caller's newest
  std::string secret;                              // that rec_tokens are signed with
  std::int64_t now = 0;                            // ms since 1970
  // Whether a conversation is the caller's.
  std::function<bool(const std::string&)> owns;
  // Whether the caller may send one more; asked once for each event that is sound.
  std::function<bool()> may_send;
};

struct ReadEvents {
  std::vector<feedback::StoredEvent> events;
  std::vector<std::size_t> places;                            // of each event in the request
  std::vector<std::pair<std::size_t, std::string>> rejected;  // place, code
};

// A body of POST /v1/events: each event is taken or refused by itself, with a code
// (docs/feedback.md). Throws ApiError 400 where the envelope is wrong: "sent_at", or more than 500
// events.
ReadEvents read_events(const base::Json& body, const EventJudge& judge);

}  // namespace serve
