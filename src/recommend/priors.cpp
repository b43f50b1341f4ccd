#include "recommend/priors.h"

#include <algorithm>
#include <cmath>

namespace recommend {
namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

// The popularity table without the dialogue: a copy only where one is left out.
struct Popularity {
  Popularity(const std::vector<float>& all, const DialogueCounts* without) : table(&all) {
    if (!without) return;
    changed = all;
    for (int item : without->recommended) changed[at(item)] = std::max(0.f, changed[at(item)] - 1);
    table = &changed;
  }
  float operator[](std::size_t i) const { return (*table)[i]; }
  const std::vector<float>* table;
  std::vector<float> changed;
};

void graph_prior(const RankContext& context, const RankerTables& tables, const DialogueCounts*,
                 float* row) {
  const Entities& entities = tables.entities;
  std::fill(row, row + tables.counts.items(), 0.f);
  const auto add = [&](int entity, float weight) {
    for (int item : entities.items(entity)) row[item] += weight;
  };
  float rank = 0;  // 0: named last
  for (auto known = context.items.rbegin(); known != context.items.rend(); ++known, ++rank)
    for (int entity : entities.of_item(known->item))
      add(entity, static_cast<float>(entities.shared_weight(entity)) / std::sqrt(1 + rank));
  for (std::size_t i = 0; i < at(tables.counts.items()); ++i) row[i] = std::log(.02f + row[i]);
}

void stated_prior(const RankContext& context, const RankerTables& tables, const DialogueCounts*,
                  float* row) {
  std::fill(row, row + tables.counts.items(), 0.f);
  float rank = 0;  // 0: named last
  for (auto entity = context.entities.rbegin(); entity != context.entities.rend();
       ++entity, ++rank) {
    const float weight =
        static_cast<float>(tables.entities.stated_weight(*entity)) / std::sqrt(1 + rank);
    for (int item : tables.entities.items(*entity)) row[item] += weight;
  }
  for (std::size_t i = 0; i < at(tables.counts.items()); ++i) row[i] = std::log(.02f + row[i]);
}

void neighbours_prior(const RankContext& context, const RankerTables& tables,
                      const DialogueCounts* without, float* row) {
  constexpr float kFloor = .001f;
  constexpr std::size_t kVoters = 200;
  std::fill(row, row + tables.counts.items(), std::log(kFloor));
  for (const auto& [item, share] :
       tables.neighbours.votes(context, without ? without->dialogue : -1, kVoters))
    row[item] = std::log(kFloor + share);
}

void popularity_prior(const RankContext&, const RankerTables& tables, const DialogueCounts* without,
                      float* row) {
  const Popularity popularity(tables.counts.recommended(), without);
  for (std::size_t i = 0; i < at(tables.counts.items()); ++i) row[i] = std::log1p(popularity[i]);
}

void recent_popularity_prior(const RankContext&, const RankerTables& tables,
                             const DialogueCounts* without, float* row) {
  const Popularity recent(tables.counts.recently_recommended(),
                          without && without->recent ? without : nullptr);
  for (std::size_t i = 0; i < at(tables.counts.items()); ++i) row[i] = std::log(.5f + recent[i]);
}

}  // namespace

const std::vector<NamedPrior>& all_priors() {
  static const std::vector<NamedPrior> priors = {{"graph", graph_prior},
                                                 {"stated", stated_prior},
                                                 {"neighbours", neighbours_prior},
                                                 {"popularity", popularity_prior},
                                                 {"recent_popularity", recent_popularity_prior}};
  return priors;
}

}  // namespace recommend
