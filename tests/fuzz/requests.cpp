// Any bytes as the body of a chat request and of a batch of events: refused with a status of the
// client's, or read with every part within its bounds.
#include <cstdlib>

#include "serve/api_error.h"
#include "serve/bounded.h"
#include "serve/completion_request.h"
#include "serve/event_request.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

template <class F>
void refused_or(const F& read) {
  try {
    read();
  } catch (const serve::ApiError& error) {
    require(error.status() >= 400 && error.status() < 500);
  }
}

void read_as_chat(const base::Json& body) {
  const serve::CompletionRequest asked = serve::read_completion(body, 1);
  std::size_t bytes = 0;
  for (const serve::Message& message : asked.messages) bytes += message.text.size();
  require(asked.messages.size() <= 200 && bytes <= 256 << 10);
  require(asked.sampling.temperature >= 0 && asked.sampling.max_tokens > 0);
}

void read_as_events(const base::Json& body) {
  serve::EventJudge judge;
  judge.caller.subject = "somebody";
  judge.consent = feedback::StoredConsent{"somebody", true, true, "1", 0};
  judge.secret = "secret";
  judge.now = 1'800'000'000'000;
  judge.owns = [](const std::string&) { return true; };
  judge.may_send = [] { return true; };
  const serve::ReadEvents events = serve::read_events(body, judge);
  require(events.events.size() == events.places.size());
  require(events.events.size() + events.rejected.size() <= 500);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  refused_or([&] {
    const base::Json body = serve::read_body({reinterpret_cast<const char*>(data), size});
    refused_or([&] { read_as_chat(body); });
    refused_or([&] { read_as_events(body); });
  });
  return 0;
}
