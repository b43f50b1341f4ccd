#include "evaluate/ranking.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <span>

#include "base/error.h"
#include "metrics/parallel.h"
#include "metrics/ranking.h"

namespace evaluate {
namespace {

constexpr std::size_t kBatch = 256;

// Whether item `a` ranks before item `b`.
bool before(std::span<const float> row, std::size_t a, std::size_t b) {
  return row[a] > row[b] || (row[a] == row[b] && a < b);
}

struct Masked {
  std::vector<std::size_t> items;
  explicit Masked(const Instance& instance) {
    for (const dialogue::KnownItem& known : instance.state.items)
      items.push_back(static_cast<std::size_t>(known.item));
  }
  bool holds(std::size_t item) const {
    return std::find(items.begin(), items.end(), item) != items.end();
  }
  // The rank of an item once these stand behind all others, in the catalogue's order.
  std::size_t rank(std::span<const float> row, std::size_t item, std::size_t full_rank) const {
    const bool last = holds(item);
    const auto ahead = std::count_if(items.begin(), items.end(), [&](std::size_t other) {
      return last ? other < item : before(row, other, item);
    });
    return last ? row.size() - items.size() + static_cast<std::size_t>(ahead)
                : full_rank - static_cast<std::size_t>(ahead);
  }
};

void keep_best(std::span<const float> row, const Masked& masked, RankedInstance& ranked) {
  for (std::size_t item : metrics::best_indices(row, kListed + masked.items.size())) {
    const std::pair<int, float> entry(static_cast<int>(item), row[item]);
    if (ranked.top.size() < kListed) ranked.top.push_back(entry);
    if (ranked.masked_top.size() < kListed && !masked.holds(item))
      ranked.masked_top.push_back(entry);
  }
}

RankedInstance::Ahead count_ahead(std::span<const float> row, const std::vector<int>& negatives,
                                  std::size_t item) {
  RankedInstance::Ahead ahead = {};
  for (std::size_t i = 0; i < negatives.size(); ++i)
    for (std::size_t n = 0; n < ahead.size(); ++n)
      ahead[n] +=
          i < kNegativeCounts[n] && before(row, static_cast<std::size_t>(negatives[i]), item);
  return ahead;
}

// The message's items of V2 and its negatives, the best first.
std::vector<std::pair<int, float>> rank_candidates(std::span<const float> row,
                                                   const std::vector<int>& negatives,
                                                   const Instance& instance) {
  std::vector<std::pair<int, float>> candidates;
  const auto add = [&](int item) {
    candidates.emplace_back(item, row[static_cast<std::size_t>(item)]);
  };
  for (const Gold& gold : instance.golds)
    if (takes(Protocol::v2, gold)) add(gold.item);
  if (candidates.empty()) return candidates;
  for (const int item : negatives) add(item);
  std::sort(candidates.begin(), candidates.end(), [&](const auto& a, const auto& b) {
    return before(row, static_cast<std::size_t>(a.first), static_cast<std::size_t>(b.first));
  });
  return candidates;
}

RankedInstance rank_one(const Instance& instance, const Negatives* negatives,
                        std::span<const float> row) {
  RankedInstance ranked;
  const Masked masked(instance);
  for (const Gold& gold : instance.golds) {
    const auto item = static_cast<std::size_t>(gold.item);
    ranked.ranks.push_back(metrics::rank_of(row, item));
    ranked.masked_ranks.push_back(masked.rank(row, item, ranked.ranks.back()));
    if (negatives)
      for (std::size_t kind = 0; kind < ranked.sampled.size(); ++kind)
        ranked.sampled[kind].push_back(count_ahead(row, negatives->items[kind], item));
  }
  keep_best(row, masked, ranked);
  if (negatives)
    for (std::size_t kind = 0; kind < ranked.candidates.size(); ++kind)
      ranked.candidates[kind] = rank_candidates(row, negatives->items[kind], instance);
  return ranked;
}

// Where a state is ranked for.
struct Use {
  std::size_t list = 0, instance = 0;
};

// The lists' instances by state, in the order of dialogues and turns.
std::vector<std::vector<Use>> uses_of_states(const std::vector<RankList>& lists) {
  std::map<std::pair<std::int64_t, int>, std::vector<Use>> states;
  for (std::size_t l = 0; l < lists.size(); ++l)
    for (std::size_t i = 0; i < lists[l].instances->size(); ++i) {
      const Instance& instance = (*lists[l].instances)[i];
      states[{instance.dialogue, instance.state.turns}].push_back({l, i});
    }
  std::vector<std::vector<Use>> uses;
  for (auto& [state, own] : states) uses.push_back(std::move(own));
  return uses;
}

void check_sizes(const ModelRanking& ranking, const std::vector<Instance>& instances) {
  base::check(ranking.instances.size() == instances.size(), ranking.model, " ranked ",
              ranking.instances.size(), " of ", instances.size(), " instances");
}

// Two golds of one message have one rank only where they are one item.
std::vector<std::size_t> without_repeats(const std::vector<std::size_t>& ranks) {
  std::vector<std::size_t> out;
  for (std::size_t rank : ranks)
    if (std::find(out.begin(), out.end(), rank) == out.end()) out.push_back(rank);
  return out;
}

}  // namespace

std::vector<ModelRanking> rank_lists(dialogue::Recommender& recommender,
                                     const std::vector<RankList>& lists,
                                     const dialogue::Catalogue& catalogue, base::Console& console) {
  const auto items = static_cast<std::size_t>(catalogue.size());
  std::vector<ModelRanking> rankings;
  for (const RankList& list : lists)
    rankings.push_back(
        {recommender.name(), std::vector<RankedInstance>(list.instances->size()), items});
  const std::vector<std::vector<Use>> uses = uses_of_states(lists);
  base::Progress progress(console, "ranking by " + recommender.name(),
                          static_cast<std::int64_t>(uses.size()));
  for (std::size_t first = 0; first < uses.size(); first += kBatch) {
    const std::size_t size = std::min(kBatch, uses.size() - first);
    std::vector<dialogue::State> states;
    for (std::size_t i = first; i < first + size; ++i)
      states.push_back((*lists[uses[i][0].list].instances)[uses[i][0].instance].state);
    const std::vector<std::vector<float>> rows = recommender.rank(states);
    base::check(rows.size() == size, recommender.name(), " ranked ", rows.size(), " of ", size,
                " states");
    metrics::run_parallel(size, [&](std::size_t i) {
      base::check(rows[i].size() == items, rankings[0].model, " ranked ", rows[i].size(),
                  " items of ", items);
      for (const auto& [list, instance] : uses[first + i]) {
        const std::vector<Negatives>* negatives = lists[list].negatives;
        rankings[list].instances[instance] =
            rank_one((*lists[list].instances)[instance],
                     negatives ? &(*negatives)[instance] : nullptr, rows[i]);
      }
    });
    progress.advance(static_cast<std::int64_t>(size));
  }
  progress.finish();
  return rankings;
}

ModelRanking rank_instances(dialogue::Recommender& recommender,
                            const std::vector<Instance>& instances,
                            const dialogue::Catalogue& catalogue, base::Console& console) {
  return std::move(rank_lists(recommender, {{.instances = &instances}}, catalogue, console)[0]);
}

ProtocolRanks ranks_in(Protocol protocol, const ModelRanking& ranking,
                       const std::vector<Instance>& instances) {
  return ranks_where([&](const Instance&, const Gold& gold) { return takes(protocol, gold); },
                     protocol, ranking, instances);
}

ProtocolRanks ranks_where(const TakeGold& taken, Protocol protocol, const ModelRanking& ranking,
                          const std::vector<Instance>& instances) {
  check_sizes(ranking, instances);
  ProtocolRanks ranks;
  for (std::size_t i = 0; i < instances.size(); ++i) {
    const RankedInstance& ranked = ranking.instances[i];
    const auto& own = masks_named(protocol) ? ranked.masked_ranks : ranked.ranks;
    std::vector<std::size_t> message;
    for (std::size_t g = 0; g < instances[i].golds.size(); ++g)
      if (taken(instances[i], instances[i].golds[g])) message.push_back(own[g]);
    if (message.empty()) continue;
    ranks.pairs.insert(ranks.pairs.end(), message.begin(), message.end());
    ranks.clusters.insert(ranks.clusters.end(), message.size(), instances[i].conversation);
    ranks.messages.push_back(without_repeats(message));
  }
  return ranks;
}

std::optional<ProtocolRanks> sampled_ranks(NegativeKind kind, std::size_t count,
                                           const ModelRanking& ranking,
                                           const std::vector<Instance>& instances,
                                           const std::vector<Negatives>& negatives) {
  check_sizes(ranking, instances);
  const auto n = static_cast<std::size_t>(
      std::find(kNegativeCounts.begin(), kNegativeCounts.end(), count) - kNegativeCounts.begin());
  base::check(n < kNegativeCounts.size(), "there are no draws of ", count, " items");
  const auto k = static_cast<std::size_t>(kind);
  ProtocolRanks ranks;
  for (std::size_t i = 0; i < instances.size(); ++i) {
    const RankedInstance& ranked = ranking.instances[i];
    std::vector<std::size_t> golds;
    for (std::size_t g = 0; g < instances[i].golds.size(); ++g)
      if (takes(Protocol::v2, instances[i].golds[g])) golds.push_back(g);
    if (golds.empty()) continue;
    if (negatives[i].items[k].size() < count) return std::nullopt;
    std::vector<std::size_t> message;
    for (std::size_t g : golds) {
      const std::size_t ahead = ranked.sampled[k][g][n];
      ranks.pairs.push_back(ahead);
      ranks.clusters.push_back(instances[i].conversation);
      message.push_back(ahead + static_cast<std::size_t>(std::count_if(
                                    golds.begin(), golds.end(), [&](std::size_t other) {
                                      return ranked.masked_ranks[other] < ranked.masked_ranks[g];
                                    })));
    }
    ranks.messages.push_back(std::move(message));
  }
  return ranks.pairs.empty() ? std::nullopt : std::optional(std::move(ranks));
}

ProtocolScores score(const ProtocolRanks& ranks) {
  ProtocolScores scores;
  for (std::size_t k : kCutoffs) {
    scores.pairs.push_back(metrics::score_pairs(ranks.pairs, k));
    scores.messages.push_back(metrics::score_messages(ranks.messages, k));
  }
  return scores;
}

ModelScores score_ranking(const ModelRanking& ranking, const std::vector<Instance>& instances) {
  ModelScores scores;
  scores.name = ranking.model;
  for (Protocol protocol : kProtocols) {
    const ProtocolRanks ranks = ranks_in(protocol, ranking, instances);
    if (!ranks.pairs.empty()) scores.protocols[protocol_name(protocol)] = score(ranks);
  }
  return scores;
}

}  // namespace evaluate
