#include <chrono>

#include "serve/api_error.h"
#include "serve/event_request.h"
#include "serve/handlers.h"

namespace serve {
namespace {

constexpr std::size_t kMostBytes = 256 << 10;

base::Json rejected_json(const std::vector<std::pair<std::size_t, std::string>>& rejected) {
  base::Json out = base::Json::array();
  for (const auto& [place, code] : rejected) out.push_back({{"index", place}, {"code", code}});
  return out;
}

}  // namespace

Answer take_events(Context& context, Call& call) {
  if (call.request.body.size() > kMostBytes)
    throw ApiError(413, "too_large", "events come in at most 256 KiB");
  const std::int64_t now = context.now();
  EventJudge judge;
  judge.caller = call.caller;
  judge.consent = context.store.consent(call.caller.subject);
  judge.secret = context.secret;
  judge.now = now;
  judge.owns = [&](const std::string& id) {
    const auto conversation = context.store.conversation(id);
    return conversation && conversation->subject == call.caller.subject;
  };
  judge.may_send = [&, at = std::chrono::steady_clock::now()] {
    return context.access.count_event(call.caller, at);
  };
  ReadEvents read = read_events(call.body, judge);
  for (const auto& [place, code] : read.rejected) context.metrics.event("any", code, now);
  feedback::Batch batch;
  batch.events = std::move(read.events);
  std::vector<std::string> types;
  for (const feedback::StoredEvent& event : batch.events) {
    types.push_back(event.type);
    context.metrics.event_lag(static_cast<double>(now - event.corrected_at) / 1000);
  }
  const auto asked = std::chrono::steady_clock::now();
  context.store.write(
      std::move(batch), [&context, asked, now, types = std::move(types), read = std::move(read),
                         responder = call.responder](const feedback::Written& written) mutable {
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - asked;
        context.metrics.store_commit(took.count());
        if (!written.error.empty()) {
          context.metrics.rejected("store_failed", now);
          return responder->send(
              store_failed(written.full, "the events could not be recorded; send them again")
                  .response());
        }
        std::int64_t accepted = 0, duplicates = 0;
        for (std::size_t i = 0; i < types.size(); ++i) {
          const bool orphan = written.orphan[i], duplicate = written.duplicate[i];
          if (orphan) read.rejected.emplace_back(read.places[i], "not_yours");
          duplicates += duplicate;
          accepted += !duplicate && !orphan;
          context.metrics.event(types[i],
                                orphan      ? "orphan"
                                : duplicate ? "duplicate"
                                            : "accepted",
                                now);
        }
        responder->send(json_response({{"accepted", accepted},
                                       {"duplicates", duplicates},
                                       {"rejected", rejected_json(read.rejected)}}));
      });
  return std::nullopt;
}

}  // namespace serve
