#include "base/time.h"
#include "serve/api_error.h"
#include "serve/bounded.h"
#include "serve/handlers.h"

namespace serve {
namespace {

base::Json consent_json(const std::optional<feedback::StoredConsent>& consent) {
  if (!consent) return nullptr;
  return {{"analytics", consent->analytics},
          {"training", consent->training},
          {"policy_version", consent->policy_version},
          {"at", base::format_rfc3339(consent->at)}};
}

base::Json me_json(const Context& context, const std::string& subject) {
  return {
      {"consent", consent_json(subject.empty() ? std::nullopt : context.store.consent(subject))},
      {"policy_version", kPolicyVersion},
      {"title", context.model.id}};
}

base::Json event_json(const feedback::StoredEvent& event) {
  base::Json out = {{"event_id", event.id},
                    {"type", event.type},
                    {"occurred_at", base::format_rfc3339(event.occurred_at)},
                    {"received_at", base::format_rfc3339(event.received_at)},
                    {"conversation_id", event.conversation},
                    {"turn_id", event.turn},
                    {"item_id", event.item},
                    {"rank", event.rank},
                    {"page_id", event.page},
                    {"seq", event.page_seq},
                    {"props", event.props},
                    {"flags", event.flags}};
  return out;
}

base::Json items_json(const std::vector<feedback::StoredItem>& items) {
  base::Json out = base::Json::array();
  for (const feedback::StoredItem& one : items)
    out.push_back({{"item_id", one.item},
                   {"title", one.title},
                   {"rank", one.rank},
                   {"propensity", one.propensity}});
  return out;
}

base::Json decision_json(const feedback::StoredDecision& decision) {
  return {{"turn_id", decision.turn},
          {"conversation_id", decision.conversation},
          {"model_sha256", decision.model},
          {"arm", decision.arm},
          {"finish_reason", decision.finish_reason},
          {"at", base::format_rfc3339(decision.at)},
          {"shown", items_json(decision.shown)},
          {"candidates", items_json(decision.candidates)},
          {"details", decision.details}};
}

base::Json erased_json(const feedback::Erased& erased) {
  return {{"erased",
           {{"conversations", erased.conversations},
            {"turns", erased.turns},
            {"decisions", erased.decisions},
            {"events", erased.events},
            {"consents", erased.consents}}}};
}

// An erasure takes as long as the store is large: no thread of the server waits for it.
std::function<void(const feedback::Erased&)> answer_when_erased(
    const Call& call, std::vector<std::pair<std::string, std::string>> headers) {
  return
      [headers = std::move(headers), responder = call.responder](const feedback::Erased& erased) {
        if (!erased.error.empty())
          return responder->send(
              store_failed(erased.full, "not all could be erased; ask for it again").response());
        HttpResponse out = json_response(erased_json(erased));
        out.headers.insert(out.headers.end(), headers.begin(), headers.end());
        responder->send(std::move(out));
      };
}

// All of somebody's conversations.
std::vector<feedback::StoredConversation> all_conversations(const Context& context,
                                                            const std::string& subject) {
  std::vector<feedback::StoredConversation> out;
  for (std::string before;;) {
    auto some = context.store.conversations(subject, 100, before);
    if (some.empty()) return out;
    before = some.back().id;
    out.insert(out.end(), some.begin(), some.end());
  }
}

}  // namespace

Answer make_session(Context& context, Call& call) {
  if (call.caller.session) return json_response(me_json(context, call.caller.subject));
  std::string key = call.caller.key;
  if (context.access.has_keys() && key.empty()) {
    const auto given = text_in(call.body, "key", 256);
    const auto name = given ? context.access.key_name(*given) : std::nullopt;
    if (!name)
      throw ApiError(401, given ? "invalid_api_key" : "key_needed",
                     given ? "the key is not one of this server" : "this server asks for a key");
    key = *name;
  }
  HttpResponse out = json_response(me_json(context, ""));
  const bool secure = call.request.secure || call.request.header("x-forwarded-proto") == "https";
  out.headers.emplace_back("Set-Cookie",
                           Access::set_cookie(context.access.new_session(key), secure));
  return out;
}

Answer show_me(Context& context, Call& call) {
  if (!call.caller.session)
    throw ApiError(401, "no_session", "there is no session: POST /v1/session makes one");
  base::Json out = me_json(context, call.caller.subject);
  const feedback::PersonCounts counts = context.store.counts_of(call.caller.subject);
  out["conversations"] = counts.conversations;
  out["turns"] = counts.turns;
  out["events"] = counts.events;
  return json_response(out);
}

Answer show_my_data(Context& context, Call& call) {
  const std::string& subject = call.caller.subject;
  base::Json consents = base::Json::array(), conversations = base::Json::array(),
             events = base::Json::array(), decisions = base::Json::array();
  for (const auto& one : context.store.consents(subject)) consents.push_back(consent_json(one));
  for (const auto& one : all_conversations(context, subject))
    conversations.push_back(conversation_json(context, one));
  for (const auto& one : context.store.events_of(subject)) events.push_back(event_json(one));
  for (const auto& one : context.store.decisions_of(subject))
    decisions.push_back(decision_json(one));
  return json_response({{"consents", consents},
                        {"conversations", conversations},
                        {"events", events},
                        {"decisions", decisions}});
}

Answer take_consent(Context& context, Call& call) {
  feedback::StoredConsent consent;
  consent.subject = call.caller.subject;
  consent.analytics = truth_in(call.body, "analytics").value_or(false);
  consent.training = truth_in(call.body, "training").value_or(false);
  consent.policy_version = text_in(call.body, "policy_version", 32).value_or("");
  consent.at = context.now();
  feedback::Batch batch;
  batch.consents.push_back(consent);
  context.store.write(std::move(batch), [consent, responder = call.responder](
                                            const feedback::Written& written) {
    if (written.error.empty())
      responder->send(json_response({{"consent", consent_json(consent)}}));
    else
      responder->send(store_failed(written.full, "the consent could not be recorded").response());
  });
  return std::nullopt;
}

Answer erase_me(Context& context, Call& call) {
  HttpResponse out;
  if (call.caller.session)
    out.headers.emplace_back("Set-Cookie", Access::set_cookie("", call.request.secure));
  context.store.erase_subject(call.caller.subject, answer_when_erased(call, out.headers));
  return std::nullopt;
}

Answer erase_conversation(Context& context, Call& call) {
  own_conversation(context, call.caller, call.id);
  context.store.erase_conversation(call.id, answer_when_erased(call, {}));
  return std::nullopt;
}

}  // namespace serve
