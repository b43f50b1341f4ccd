#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "dialogue/recommender.h"
#include "evaluate/instances.h"
#include "evaluate/scores.h"

namespace evaluate {

// What a recommender's ranking says of one instance. Ranks count from 0.
struct RankedInstance {
  std::vector<std::size_t> ranks;         // one a gold, in the full catalogue
  std::vector<std::size_t> masked_ranks;  // the same with items named so far behind all others
  std::vector<std::pair<int, float>> top, masked_top;  // the 100 best items and their scores
};

struct ModelRanking {
  std::string model;
  std::vector<RankedInstance> instances;  // one an instance, in their order
};

// Asks the recommender for the rankings of all instances, some hundred states at a time. Throws
// base::Error (internal) where it gives rows of another length or a score that is not a number.
ModelRanking rank_instances(dialogue::Recommender& recommender,
                            const std::vector<Instance>& instances,
                            const dialogue::Catalogue& catalogue,
                            base::Console& console = base::silent_console());

// The ranks that a protocol counts.
struct ProtocolRanks {
  std::vector<std::size_t> pairs;                  // message by message
  std::vector<std::int64_t> clusters;              // the dialogue of each pair
  std::vector<std::vector<std::size_t>> messages;  // the same, one list a message
};
ProtocolRanks ranks_in(Protocol protocol, const ModelRanking& ranking,
                       const std::vector<Instance>& instances);

ProtocolScores score(const ProtocolRanks& ranks);
// The scores of all protocols that have an instance.
ModelScores score_ranking(const ModelRanking& ranking, const std::vector<Instance>& instances);

// Writes FOLDER/v1/qrels.trec ("QUERY 0 ITEM 1") for each protocol that has an instance.
void write_qrels(const std::filesystem::path& folder, const std::vector<Instance>& instances,
                 const dialogue::Catalogue& catalogue);

// Writes FOLDER/v1/MODEL.trec ("QUERY Q0 ITEM RANK SCORE MODEL"), the 100 best items of each query
// of that protocol, ranks from 1, masked items left out. Scores are the model's log-probabilities
// to four decimals, lowered where needed so that they fall strictly, in single precision too.
// Both write whole files or nothing and throw base::ResourceError.
void write_run(const std::filesystem::path& folder, const ModelRanking& ranking,
               const std::vector<Instance>& instances, const dialogue::Catalogue& catalogue);

}  // namespace evaluate
