#include <cmath>

#include "serve/api_error.h"
#include "serve/bounded.h"
#include "serve/completion_request.h"
#include "serve/handlers.h"
#include "serve/recommendation_json.h"

namespace serve {
namespace {

constexpr std::int64_t kFirstYear = -3000, kLastYear = 3000, kMostItems = 100;
constexpr std::size_t kMostNames = 16, kMostExcluded = 1000, kNameBytes = 200;

std::vector<dialogue::Turn> turns_of(Context& context, const Call& call) {
  std::vector<dialogue::Turn> turns;
  if (const auto id = uuid_in(call.body, "conversation_id")) {
    own_conversation(context, call.caller, *id, "conversation_id");
    const std::vector<feedback::StoredTurn> all = context.store.turns(*id);
    const auto parent = uuid_in(call.body, "parent_id");
    if (!parent && all.empty()) return turns;
    return context.transcriber.read(path_to(all, parent ? *parent : all.back().id));
  }
  for (const Message& message : read_messages(call.body))
    turns.push_back(context.transcriber.read(message.role, message.text));
  if (turns.empty())
    throw ApiError(400, "invalid_value", "\"messages\" or \"conversation_id\" is needed",
                   "messages");
  return turns;
}

std::vector<std::string> texts_in(const base::Json& object, const std::string& key,
                                  std::size_t most) {
  std::vector<std::string> out;
  for (const base::Json& one : list_in(object, key, most)) {
    if (!one.is_string() || one.get_ref<const std::string&>().size() > kNameBytes)
      throw ApiError(400, "invalid_value", "\"" + key + "\" must be a list of texts", key);
    out.push_back(one.get<std::string>());
  }
  return out;
}

RankQuery read_query(Context& context, const Call& call) {
  RankQuery query;
  query.state = context.transcriber.state(turns_of(context, call));
  query.top = static_cast<int>(whole_in(call.body, "top", 1, kMostItems).value_or(10));
  query.diversity = number_in(call.body, "diversity", 0, 1).value_or(0);
  query.explain = truth_in(call.body, "explain").value_or(true);
  const base::Json filters = object_in(call.body, "filters");
  query.stated = truth_in(filters, "stated").value_or(false);
  query.repeats = truth_in(filters, "repeats").value_or(false);
  if (const auto year = whole_in(filters, "first_year", kFirstYear, kLastYear))
    query.first_year = static_cast<int>(*year);
  if (const auto year = whole_in(filters, "last_year", kFirstYear, kLastYear))
    query.last_year = static_cast<int>(*year);
  query.names = texts_in(filters, "names", kMostNames);
  for (const std::string& id : texts_in(filters, "exclude", kMostExcluded))
    if (const auto item = context.model.catalogue->find(id)) query.never.push_back(*item);
  return query;
}

}  // namespace

Answer recommend(Context& context, Call& call) {
  RankQuery query = read_query(context, call);
  const bool taken =
      context.engine.run([&context, query = std::move(query),
                          responder = call.responder](dialogue::Recommender& recommender) {
        try {
          base::Json items = base::Json::array();
          int rank = 0;
          for (const RankedItem& one : context.model.rank(recommender, query))
            items.push_back(to_json(*context.model.catalogue, one.item, ++rank,
                                    std::exp(one.log_prob), one.reasons));
          responder->send(json_response({{"object", "attune.recommendations"},
                                         {"model", context.model.id},
                                         {"model_sha256", context.model.sha256},
                                         {"items", items}}));
        } catch (const base::UsageError& error) {
          responder->send(ApiError(400, "invalid_value", error.what(), "filters").response());
        } catch (const std::exception&) {  // its text may hold what people wrote
          responder->send(ApiError(500, "model_failed", "the model could not rank").response());
        }
      });
  if (!taken) throw overloaded();
  return std::nullopt;
}

}  // namespace serve
