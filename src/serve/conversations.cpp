#include <charconv>
#include <map>

#include "base/time.h"
#include "base/uuid.h"
#include "feedback/opinions.h"
#include "serve/api_error.h"
#include "serve/handlers.h"
#include "serve/rec_token.h"
#include "serve/recommendation_json.h"

namespace serve {
namespace {

base::Json rating_json(const std::optional<int>& rating) {
  return rating ? base::Json(*rating) : base::Json();
}

// {"ITEM": {"rating", "seen", "not_interested", "reasons"}} of the items that something is said of.
base::Json opinions_json(const feedback::TurnOpinion& opinion) {
  base::Json out = base::Json::object();
  for (const auto& [item, said] : opinion.items)
    if (said.says_anything())
      out[item] = {{"rating", rating_json(said.rating)},
                   {"seen", said.seen},
                   {"not_interested", said.not_interested},
                   {"reasons", said.reasons}};
  return out;
}

base::Json turn_json(const feedback::StoredTurn& turn) {
  base::Json mentions = base::Json::array();
  for (const feedback::StoredMention& one : turn.mentions)
    mentions.push_back({{"item_id", one.item}, {"begin", one.begin}, {"end", one.end}});
  return {{"id", turn.id},
          {"parent_id", turn.parent.empty() ? base::Json() : base::Json(turn.parent)},
          {"role", turn.role == dialogue::Role::seeker ? "user" : "assistant"},
          {"text", turn.text},
          {"at", base::format_rfc3339(turn.at)},
          {"mentions", mentions}};
}

// A token as the turn had when it was answered.
std::string token_of(const Context& context, const std::string& subject,
                     const feedback::StoredDecision& decision) {
  RecToken token{
      subject,      decision.conversation,      decision.turn, {}, decision.model.substr(0, 12),
      decision.arm, decision.at + kRecTokenLife};
  for (const feedback::StoredItem& shown : decision.shown) token.items.push_back(shown.item);
  return sign(token, context.secret);
}

base::Json head_json(const feedback::StoredConversation& conversation) {
  return {{"id", conversation.id},
          {"title", conversation.title},
          {"created_at", base::format_rfc3339(conversation.created_at)}};
}

int limit_of(const HttpRequest& request) {
  const auto text = request.parameter("limit");
  int limit = 50;
  if (text) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
    if (error != std::errc() || end != text->data() + text->size() || limit < 1 || limit > 100)
      throw ApiError(400, "invalid_value", "\"limit\" must be a whole number from 1 to 100",
                     "limit");
  }
  return limit;
}

}  // namespace

Answer list_conversations(Context& context, Call& call) {
  const std::string before(call.request.parameter("before").value_or(""));
  if (!before.empty() && !base::is_uuid(before))
    throw ApiError(400, "invalid_value", "\"before\" must be a conversation's id", "before");
  const int limit = limit_of(call.request);
  const auto found = context.store.conversations(call.caller.subject, limit, before);
  base::Json list = base::Json::array();
  for (const feedback::StoredConversation& one : found) {
    base::Json json = head_json(one);
    json["updated_at"] = base::format_rfc3339(one.updated_at);
    json["turns"] = one.turns;
    list.push_back(std::move(json));
  }
  const bool more = found.size() == static_cast<std::size_t>(limit);
  return json_response(
      {{"conversations", list}, {"next", more ? base::Json(found.back().id) : base::Json()}});
}

base::Json conversation_json(const Context& context,
                             const feedback::StoredConversation& conversation) {
  std::map<std::string, feedback::StoredDecision> decisions;
  for (feedback::StoredDecision& one : context.store.decisions(conversation.id)) {
    const std::string turn = one.turn;
    decisions[turn] = std::move(one);
  }
  const auto said = feedback::newest_opinions(context.store.events(conversation.id));
  base::Json turns = base::Json::array();
  for (const feedback::StoredTurn& turn : context.store.turns(conversation.id)) {
    base::Json json = turn_json(turn);
    if (turn.role == dialogue::Role::recommender) {
      const auto decision = decisions.find(turn.id);
      const bool known = decision != decisions.end();
      json["recommendations"] =
          known ? to_json(*context.model.catalogue, decision->second) : base::Json::array();
      json["rec_token"] =
          known ? base::Json(token_of(context, conversation.subject, decision->second))
                : base::Json();
      const auto at = said.find(turn.id);
      const feedback::TurnOpinion opinion = at == said.end() ? feedback::TurnOpinion() : at->second;
      json["rating"] = rating_json(opinion.rating);
      json["items"] = opinions_json(opinion);
    }
    turns.push_back(std::move(json));
  }
  base::Json out = head_json(conversation);
  out["turns"] = std::move(turns);
  return out;
}

Answer show_conversation(Context& context, Call& call) {
  return json_response(conversation_json(context, own_conversation(context, call.caller, call.id)));
}

}  // namespace serve
