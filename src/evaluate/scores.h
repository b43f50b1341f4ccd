#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "metrics/ranking.h"

namespace evaluate {

// Of one model in one protocol: one entry a cutoff (kCutoffs), all with the same count.
struct ProtocolScores {
  std::vector<metrics::RankingScores> pairs;     // the mean over relevant items
  std::vector<metrics::RankingScores> messages;  // any of a message's items
};
inline constexpr std::size_t kCutoffs[] = {1, 5, 10, 50};

// Of the words of one model's replies.
struct TextScores {
  double bleu4 = 0;       // 0 to 100
  std::string signature;  // of BLEU
  double distinct[4] = {0, 0, 0, 0};
  double mean_length = 0;  // tokens
  std::int64_t replies = 0;
  std::int64_t recommending = 0;       // replies that recommend
  std::optional<double> faithfulness;  // share of those that name exactly the chosen item
  std::optional<double> perplexity;    // of the real replies, where the caller has it
  std::optional<std::int64_t> perplexity_tokens;
};

// Of one model that played in a world.
struct WorldScores {
  double satisfaction = 0;  // the truth, 0 … 1, the mean over episodes, with a 95 % interval
  double low = 0, high = 0;
  std::int64_t episodes = 0;
  std::int64_t people = 0;
  double turns = 0;  // recommender's turns, the mean
};

struct ModelScores {
  std::string name;
  std::map<std::string, ProtocolScores> protocols;  // by protocol_name
  std::optional<TextScores> text;
  std::optional<WorldScores> world;
};

// One of `models` of report.json, and back. from_json throws base::DataError.
base::Json to_json(const ModelScores& scores);
ModelScores model_scores_from_json(const base::Json& json, const std::string& where);

// A metric of a model by name, "hr@5", "ndcg@10", "mrr@50" per pair; nothing where it is not there.
std::optional<double> find_score(const ModelScores& scores, const std::string& protocol,
                                 const std::string& metric);

}  // namespace evaluate
