#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "serve/api_error.h"
#include "serve/context.h"
#include "serve/http.h"

namespace serve {

// A request that has been let in.
struct Call {
  HttpRequest request;
  Caller caller;    // its subject is empty where the route needs nobody and nobody is known
  base::Json body;  // of a POST; else an empty object
  std::string id;   // what stood for {id} in the route
  std::shared_ptr<Responder> responder;
};

// Each answers one route of docs/serving.md: at once, or later through the call's responder, where
// it returns nothing. They throw ApiError.
using Answer = std::optional<HttpResponse>;

// What several of them say.
ApiError overloaded();                                              // 503
ApiError store_failed(bool disk_full, const std::string& message);  // 503, 507
// The conversation, where it is the caller's. Somebody else's is answered as one that does not
// exist: throws ApiError 404. param: where the request named it.
feedback::StoredConversation own_conversation(const Context& context, const Caller& caller,
                                              const std::string& id, const std::string& param = "");

// people.cpp: sessions, consent, one's own data
Answer make_session(Context& context, Call& call);
Answer show_me(Context& context, Call& call);
Answer show_my_data(Context& context, Call& call);
Answer take_consent(Context& context, Call& call);
Answer erase_me(Context& context, Call& call);

// conversations.cpp
Answer list_conversations(Context& context, Call& call);
Answer show_conversation(Context& context, Call& call);
Answer erase_conversation(Context& context, Call& call);
// A conversation with its turns as answers show them.
base::Json conversation_json(const Context& context,
                             const feedback::StoredConversation& conversation);

// completions.cpp, rankings.cpp, events.cpp
Answer complete_chat(Context& context, Call& call);
Answer recommend(Context& context, Call& call);
Answer take_events(Context& context, Call& call);

// operations.cpp
Answer list_models(Context& context, Call& call);
Answer show_health(Context& context, Call& call);
Answer show_metrics(Context& context, Call& call);
Answer show_loop(Context& context, Call& call);
Answer show_report(Context& context, Call& call);
// How the signals of feedback do (feedback/health.h), as a list.
base::Json signals_json(const feedback::Store& store, const dialogue::SentimentFunction& sentiment,
                        std::int64_t now);

}  // namespace serve
