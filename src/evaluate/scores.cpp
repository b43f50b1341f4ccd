#include "evaluate/scores.h"

#include "base/error.h"

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

// No key where there is none: slices and reports of earlier versions.
void put_intervals(base::Json& json, const Intervals& intervals) {
  for (const auto& [metric, ends] : intervals) json["intervals"][metric] = {ends.low, ends.high};
}

Intervals intervals_from_json(const base::Json& json, const std::string& where) {
  Intervals intervals;
  const auto part = base::optional<base::Json>(json, "intervals", where);
  if (!part) return intervals;
  for (const auto& [metric, _] : part->items()) {
    const auto ends = base::require<std::vector<double>>(*part, metric, where + ": intervals");
    if (ends.size() != 2)
      throw base::DataError(where, ": the interval of ", metric, " has ", ends.size(),
                            " numbers, expected 2");
    intervals[metric] = {ends[0], ends[1]};
  }
  return intervals;
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
  if (text.bits_per_byte) json["bits_per_byte"] = *text.bits_per_byte;
  if (text.masked_bleu4) json["masked_bleu4"] = *text.masked_bleu4;
  if (text.masked_bleu4) json["masked_signature"] = text.masked_signature;
  if (text.chrf) json["chrf"] = *text.chrf;
  if (text.chrf) json["chrf_signature"] = text.chrf_signature;
  if (text.rouge_l) json["rouge_l"] = *text.rouge_l;
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
  text.bits_per_byte = base::optional<double>(json, "bits_per_byte", where);
  text.masked_bleu4 = base::optional<double>(json, "masked_bleu4", where);
  text.masked_signature = base::optional<std::string>(json, "masked_signature", where).value_or("");
  text.chrf = base::optional<double>(json, "chrf", where);
  text.chrf_signature = base::optional<std::string>(json, "chrf_signature", where).value_or("");
  text.rouge_l = base::optional<double>(json, "rouge_l", where);
  return text;
}

base::Json to_json(const WorldScores& world) {
  base::Json json = {{"satisfaction", world.satisfaction},
                     {"low", world.low},
                     {"high", world.high},
                     {"n", world.episodes},
                     {"people", world.people},
                     {"turns", world.turns}};
  if (world.reward) json["reward"] = *world.reward;
  return json;
}

WorldScores world_from_json(const base::Json& json, const std::string& where) {
  return {.satisfaction = base::require<double>(json, "satisfaction", where),
          .low = base::require<double>(json, "low", where),
          .high = base::require<double>(json, "high", where),
          .episodes = base::require<std::int64_t>(json, "n", where),
          .people = base::require<std::int64_t>(json, "people", where),
          .turns = base::require<double>(json, "turns", where),
          .reward = base::optional<double>(json, "reward", where)};
}

base::Json protocol_json(const ProtocolScores& scores) {
  base::Json json = to_json(scores.pairs);
  json["messages"] = to_json(scores.messages);
  put_intervals(json, scores.intervals);
  return json;
}

ProtocolScores protocol_from_json(const base::Json& json, const std::string& where) {
  return {ranking_from_json(json, where),
          ranking_from_json(base::require<base::Json>(json, "messages", where), where),
          intervals_from_json(json, where)};
}

base::Json to_json(const SliceScores& slice) {
  base::Json json = {{"protocol", slice.protocol}, {"group", slice.group}, {"slice", slice.slice}};
  json.update(protocol_json(slice.scores));
  return json;
}

SliceScores slice_from_json(const base::Json& json, const std::string& where) {
  return {base::require<std::string>(json, "protocol", where),
          base::require<std::string>(json, "group", where),
          base::require<std::string>(json, "slice", where), protocol_from_json(json, where)};
}

base::Json to_json(const ListScores& lists) {
  return {{"coverage@10", lists.coverage},
          {"gini@10", lists.gini},
          {"n", lists.lists},
          {"items", lists.items}};
}

ListScores lists_from_json(const base::Json& json, const std::string& where) {
  return {.coverage = base::require<double>(json, "coverage@10", where),
          .gini = base::require<double>(json, "gini@10", where),
          .lists = base::require<std::int64_t>(json, "n", where),
          .items = base::require<std::int64_t>(json, "items", where)};
}

base::Json to_json(const ContextScores& context) {
  return {
      {"weight", context.weight}, {"consistency", context.consistency}, {"n", context.dialogues}};
}

ContextScores context_from_json(const base::Json& json, const std::string& where) {
  return {.weight = base::require<double>(json, "weight", where),
          .consistency = base::require<double>(json, "consistency", where),
          .dialogues = base::require<std::int64_t>(json, "n", where)};
}

base::Json to_json(const DialogueScores& dialogues) {
  base::Json json = base::Json::object();
  for (std::size_t k = 0; k < std::size(kCutoffs); ++k) {
    json["sr@" + std::to_string(kCutoffs[k])] = dialogues.success[k];
    json["rdl@" + std::to_string(kCutoffs[k])] = dialogues.reward[k];
  }
  json["n"] = dialogues.dialogues;
  put_intervals(json, dialogues.intervals);
  return json;
}

DialogueScores dialogues_from_json(const base::Json& json, const std::string& where) {
  DialogueScores dialogues;
  for (std::size_t k = 0; k < std::size(kCutoffs); ++k) {
    const std::string cutoff = std::to_string(kCutoffs[k]);
    dialogues.success[k] = base::require<double>(json, "sr@" + cutoff, where);
    dialogues.reward[k] = base::require<double>(json, "rdl@" + cutoff, where);
  }
  dialogues.dialogues = base::require<std::int64_t>(json, "n", where);
  dialogues.intervals = intervals_from_json(json, where);
  return dialogues;
}

base::Json to_json(const std::optional<Estimate>& estimate) {
  if (!estimate) return nullptr;
  return {{"value", estimate->value},
          {"low", estimate->low},
          {"high", estimate->high},
          {"n", estimate->n}};
}

std::optional<Estimate> estimate_from_json(const base::Json& json, const std::string& key,
                                           const std::string& where) {
  const auto part = base::optional<base::Json>(json, key, where);
  if (!part) return std::nullopt;
  return Estimate{.value = base::require<double>(*part, "value", where),
                  .low = base::require<double>(*part, "low", where),
                  .high = base::require<double>(*part, "high", where),
                  .n = base::require<std::int64_t>(*part, "n", where)};
}

base::Json to_json(const InteractiveScores& scores) {
  return {{"n", scores.dialogues},
          {"success", to_json(std::optional(scores.success))},
          {"turns", to_json(scores.turns)},
          {"satisfaction", to_json(scores.satisfaction)},
          {"unknown", to_json(scores.unknown)}};
}

InteractiveScores interactive_from_json(const base::Json& json, const std::string& where) {
  base::require<base::Json>(json, "success", where);
  return {.dialogues = base::require<std::int64_t>(json, "n", where),
          .success = estimate_from_json(json, "success", where).value_or(Estimate{}),
          .turns = estimate_from_json(json, "turns", where),
          .satisfaction = estimate_from_json(json, "satisfaction", where),
          .unknown = estimate_from_json(json, "unknown", where)};
}

}  // namespace

base::Json to_json(const ModelScores& scores) {
  base::Json parts = base::Json::object();
  for (const auto& [protocol, ranking] : scores.protocols) parts[protocol] = protocol_json(ranking);
  for (const SliceScores& slice : scores.slices) parts["slices"].push_back(to_json(slice));
  for (const auto& [protocol, lists] : scores.lists) parts["lists"][protocol] = to_json(lists);
  if (scores.dialogues) parts["dialogues"] = to_json(*scores.dialogues);
  if (scores.text) parts["text"] = to_json(*scores.text);
  if (scores.world) parts["world"] = to_json(*scores.world);
  if (scores.interactive) parts["interactive"] = to_json(*scores.interactive);
  if (scores.context) parts["context"] = to_json(*scores.context);
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
    } else if (key == "interactive") {
      scores.interactive = interactive_from_json(part, place);
    } else if (key == "context") {
      scores.context = context_from_json(part, place);
    } else if (key == "dialogues") {
      scores.dialogues = dialogues_from_json(part, place);
    } else if (key == "slices") {
      for (const base::Json& slice : part) scores.slices.push_back(slice_from_json(slice, place));
    } else if (key == "lists") {
      for (const auto& [protocol, lists] : part.items())
        scores.lists[protocol] = lists_from_json(lists, place);
    } else {
      scores.protocols[key] = protocol_from_json(part, place);
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
