#include "evaluate/scores.h"

namespace evaluate {
namespace {

base::Json to_json(const std::vector<metrics::RankingScores>& scores) {
  base::Json json = base::Json::object();
  for (const metrics::RankingScores& at : scores) {
    const std::string k = std::to_string(at.k);
    json["hr@" + k] = at.hit;
    json["ndcg@" + k] = at.ndcg;
    json["mrr@" + k] = at.reciprocal_rank;
  }
  json["n"] = scores.empty() ? 0 : scores.front().count;
  return json;
}

std::vector<metrics::RankingScores> ranking_from_json(const base::Json& json,
                                                      const std::string& where) {
  std::vector<metrics::RankingScores> scores;
  for (std::size_t k : kCutoffs) {
    const std::string name = std::to_string(k);
    scores.push_back({.k = k,
                      .count = base::require<std::size_t>(json, "n", where),
                      .hit = base::require<double>(json, "hr@" + name, where),
                      .ndcg = base::require<double>(json, "ndcg@" + name, where),
                      .reciprocal_rank = base::require<double>(json, "mrr@" + name, where)});
  }
  return scores;
}

base::Json to_json(const TextScores& text) {
  base::Json json = {{"bleu4", text.bleu4}, {"signature", text.signature}};
  for (int n = 1; n <= 4; ++n) json["distinct" + std::to_string(n)] = text.distinct[n - 1];
  json["mean_length"] = text.mean_length;
  json["n"] = text.replies;
  json["recommending"] = text.recommending;
  if (text.faithfulness) json["faithfulness"] = *text.faithfulness;
  if (text.perplexity) json["perplexity"] = *text.perplexity;
  if (text.perplexity_tokens) json["perplexity_tokens"] = *text.perplexity_tokens;
  return json;
}

TextScores text_from_json(const base::Json& json, const std::string& where) {
  TextScores text;
  text.bleu4 = base::require<double>(json, "bleu4", where);
  text.signature = base::require<std::string>(json, "signature", where);
  for (int n = 1; n <= 4; ++n)
    text.distinct[n - 1] = base::require<double>(json, "distinct" + std::to_string(n), where);
  text.mean_length = base::require<double>(json, "mean_length", where);
  text.replies = base::require<std::int64_t>(json, "n", where);
  text.recommending = base::require<std::int64_t>(json, "recommending", where);
  text.faithfulness = base::optional<double>(json, "faithfulness", where);
  text.perplexity = base::optional<double>(json, "perplexity", where);
  text.perplexity_tokens = base::optional<std::int64_t>(json, "perplexity_tokens", where);
  return text;
}

base::Json to_json(const WorldScores& world) {
  return {{"satisfaction", world.satisfaction},
          {"low", world.low},
          {"high", world.high},
          {"n", world.episodes},
          {"people", world.people},
          {"turns", world.turns}};
}

WorldScores world_from_json(const base::Json& json, const std::string& where) {
  return {.satisfaction = base::require<double>(json, "satisfaction", where),
          .low = base::require<double>(json, "low", where),
          .high = base::require<double>(json, "high", where),
          .episodes = base::require<std::int64_t>(json, "n", where),
          .people = base::require<std::int64_t>(json, "people", where),
          .turns = base::require<double>(json, "turns", where)};
}

}  // namespace

base::Json to_json(const ModelScores& scores) {
  base::Json parts = base::Json::object();
  for (const auto& [protocol, ranking] : scores.protocols) {
    parts[protocol] = to_json(ranking.pairs);
    parts[protocol]["messages"] = to_json(ranking.messages);
  }
  if (scores.text) parts["text"] = to_json(*scores.text);
  if (scores.world) parts["world"] = to_json(*scores.world);
  return {{"name", scores.name}, {"scores", parts}};
}

ModelScores model_scores_from_json(const base::Json& json, const std::string& where) {
  ModelScores scores;
  scores.name = base::require<std::string>(json, "name", where);
  const auto parts = base::require<base::Json>(json, "scores", where);
  for (const auto& [key, part] : parts.items()) {
    const std::string place = where + ": " + scores.name + ": " + key;
    if (key == "text") {
      scores.text = text_from_json(part, place);
    } else if (key == "world") {
      scores.world = world_from_json(part, place);
    } else {
      const auto messages = base::require<base::Json>(part, "messages", place);
      scores.protocols[key] = {ranking_from_json(part, place), ranking_from_json(messages, place)};
    }
  }
  return scores;
}

std::optional<double> find_score(const ModelScores& scores, const std::string& protocol,
                                 const std::string& metric) {
  const auto found = scores.protocols.find(protocol);
  if (found == scores.protocols.end()) return std::nullopt;
  for (const metrics::RankingScores& at : found->second.pairs) {
    const std::string k = std::to_string(at.k);
    if (metric == "hr@" + k) return at.hit;
    if (metric == "ndcg@" + k) return at.ndcg;
    if (metric == "mrr@" + k) return at.reciprocal_rank;
  }
  return std::nullopt;
}

}  // namespace evaluate
