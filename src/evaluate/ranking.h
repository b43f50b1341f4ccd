#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/progress.h"
#include "dialogue/recommender.h"
#include "evaluate/candidates.h"
#include "evaluate/instances.h"
#include "evaluate/scores.h"

namespace evaluate {

inline constexpr std::size_t kListed = 100;  // best items of a list that are kept and written

// What a recommender's ranking says of one instance. Ranks count from 0.
struct RankedInstance {
  std::vector<std::size_t> ranks;         // one a gold, in the full catalogue
  std::vector<std::size_t> masked_ranks;  // the same with items named so far behind all others
  std::vector<std::pair<int, float>> top, masked_top;  // the kListed best and their scores
  // By NegativeKind, one a gold: how many of the first 19, 49, 99 negatives rank before it. Empty
  // where no negatives were given.
  using Ahead = std::array<std::size_t, kNegativeCounts.size()>;
  std::array<std::vector<Ahead>, kNegativeKinds.size()> sampled;
  // By NegativeKind: the message's items of V2 and all its negatives with their scores, the best
  // first. Empty where V2 has no item.
  std::array<std::vector<std::pair<int, float>>, kNegativeKinds.size()> candidates;
};

struct ModelRanking {
  std::string model;
  std::vector<RankedInstance> instances;  // one an instance, in their order
  std::size_t items = 0;                  // of the catalogue
};

// Instances to rank. Lists that are ranked together are of the same dialogues with the same
// StateOptions: dialogue and number of turns tell a state.
struct RankList {
  const std::vector<Instance>* instances = nullptr;
  const std::vector<Negatives>* negatives = nullptr;  // one an instance, or none
};

// Asks the recommender for the rankings of all states, some hundred at a time, each state once. One
// ranking a list, in their order. Throws base::Error (internal) where it gives rows of another
// length or a score that is not a number.
std::vector<ModelRanking> rank_lists(dialogue::Recommender& recommender,
                                     const std::vector<RankList>& lists,
                                     const dialogue::Catalogue& catalogue,
                                     base::Console& console = base::silent_console());

// The same of one list.
ModelRanking rank_instances(dialogue::Recommender& recommender,
                            const std::vector<Instance>& instances,
                            const dialogue::Catalogue& catalogue,
                            base::Console& console = base::silent_console());

// The ranks that a protocol counts.
struct ProtocolRanks {
  std::vector<std::size_t> pairs;                  // message by message
  std::vector<std::int64_t> clusters;              // the dialogue of each pair
  std::vector<std::vector<std::size_t>> messages;  // the same, each item once, one list a message
};
ProtocolRanks ranks_in(Protocol protocol, const ModelRanking& ranking,
                       const std::vector<Instance>& instances);

// The same of the golds that `taken` accepts, masked as the protocol masks.
using TakeGold = std::function<bool(const Instance& instance, const Gold& gold)>;
ProtocolRanks ranks_where(const TakeGold& taken, Protocol protocol, const ModelRanking& ranking,
                          const std::vector<Instance>& instances);

// The ranks of V2's items among `count` negatives of their message (one of kNegativeCounts): a pair
// among 1 + count, a message's items together among as many more. Nothing where an instance has
// fewer negatives or there is no pair.
std::optional<ProtocolRanks> sampled_ranks(NegativeKind kind, std::size_t count,
                                           const ModelRanking& ranking,
                                           const std::vector<Instance>& instances,
                                           const std::vector<Negatives>& negatives);

ProtocolScores score(const ProtocolRanks& ranks);
// The scores of V1, V2, V3 and LN, where they have an instance.
ModelScores score_ranking(const ModelRanking& ranking, const std::vector<Instance>& instances);

}  // namespace evaluate
