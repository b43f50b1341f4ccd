#pragma once

#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "metrics/ranking.h"

namespace evaluate {

// The ends of a 95 % interval, whole dialogues drawn.
struct Ends {
  double low = 0, high = 0;
};
using Intervals = std::map<std::string, Ends>;  // by metric: "hr@5"

// Of one model in one protocol: one entry a cutoff (kCutoffs), all with the same count.
struct ProtocolScores {
  std::vector<metrics::RankingScores> pairs;     // the mean over relevant items
  std::vector<metrics::RankingScores> messages;  // any of a message's items
  Intervals intervals = {};                      // of `pairs`; empty where they were not made
};
inline constexpr std::size_t kCutoffs[] = {1, 5, 10, 50};

// The part of a protocol's pairs that share something (evaluate/slices.h).
struct SliceScores {
  std::string protocol;  // "v1", "v2"
  std::string group;     // "frequency", "depth", "length"
  std::string slice;     // "1-5"
  ProtocolScores scores;
};

// Of the lists of the ten best items.
struct ListScores {
  double coverage = 0;  // share of the catalogue that stands in one of them
  double gini = 0;      // of how often each item of the catalogue stands in them
  std::int64_t lists = 0;
  std::int64_t items = 0;  // of the catalogue
};

// What a model makes of the conversation (evaluate/context_use.h).
struct ContextScores {
  double weight = 0;       // of what the seeker said, 0 to 1
  double consistency = 0;  // of the ten best items, from one message to the next, 0 to 1
  std::int64_t dialogues = 0;
};

// Of whole dialogues, by cutoff (kCutoffs).
struct DialogueScores {
  double success[std::size(kCutoffs)] = {};  // SR
  double reward[std::size(kCutoffs)] = {};   // RDL
  std::int64_t dialogues = 0;
  Intervals intervals = {};  // "sr@5", "rdl@5"; empty where they were not made
};

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
  std::optional<double> bits_per_byte = {};  // of the same
  // Reports of earlier versions lack what follows.
  std::optional<double> masked_bleu4 = {};  // one word stands for every item
  std::string masked_signature = {};
  std::optional<double> chrf = {};  // 0 to 100
  std::string chrf_signature = {};
  std::optional<double> rouge_l = {};  // 0 to 1, mean F1
};

// Of one model that played in a world.
struct WorldScores {
  double satisfaction = 0;  // the truth, 0 … 1, the mean over episodes, with a 95 % interval
  double low = 0, high = 0;
  std::int64_t episodes = 0;
  std::int64_t people = 0;
  double turns = 0;  // recommender's turns, the mean
  // Of a model that chooses among replies: the reward model's score of those chosen, the mean.
  std::optional<double> reward = {};
};

// A mean with its 95 % interval, whole dialogues drawn.
struct Estimate {
  double value = 0;
  double low = 0, high = 0;
  std::int64_t n = 0;  // the denominator
};

// Of one model that talked with people made of forms (evaluate/interactive.h). Nothing where there
// is no row.
struct InteractiveScores {
  std::int64_t dialogues = 0;
  Estimate success;                      // share of dialogues with an accepted item
  std::optional<Estimate> turns;         // to the first one, where there is one
  std::optional<Estimate> satisfaction;  // of recommendations that the form can judge
  std::optional<Estimate> unknown;       // share of recommendations that it cannot judge
};

struct ModelScores {
  std::string name;
  std::map<std::string, ProtocolScores> protocols;  // by protocol_name, and evaluate/examples.h
  std::optional<TextScores> text;
  std::optional<WorldScores> world;
  std::vector<SliceScores> slices = {};
  std::map<std::string, ListScores> lists = {};  // by protocol: "v1", "v2"
  std::optional<DialogueScores> dialogues = {};
  std::optional<InteractiveScores> interactive = {};
  std::optional<ContextScores> context = {};
};

// One of `models` of report.json, and back. from_json throws base::DataError.
base::Json to_json(const ModelScores& scores);
ModelScores model_scores_from_json(const base::Json& json, const std::string& where);

// A metric of a model by name, "hr@5", "ndcg@10", "mrr@50" per pair; nothing where it is not there.
std::optional<double> find_score(const ModelScores& scores, const std::string& protocol,
                                 const std::string& metric);

}  // namespace evaluate
