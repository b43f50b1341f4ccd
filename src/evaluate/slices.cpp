#include "evaluate/slices.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "evaluate/comparison.h"
#include "metrics/spread.h"

namespace evaluate {
namespace {

struct Bin {
  const char* name;
  std::int64_t low, high;  // both belong to it
};
constexpr std::int64_t kEndless = std::numeric_limits<std::int64_t>::max();
constexpr Bin kFrequencies[] = {{"0", 0, 0}, {"1-5", 1, 5}, {"6-20", 6, 20}, {"21+", 21, kEndless}};
constexpr Bin kDepths[] = {{"1-4", 0, 4}, {"5-9", 5, 9}, {"10-14", 10, 14}, {"15+", 15, kEndless}};
constexpr Bin kLengths[] = {
    {"1-12", 0, 12}, {"13-18", 13, 18}, {"19-24", 19, 24}, {"25+", 25, kEndless}};

using Number = std::function<std::int64_t(const Instance& instance, const Gold& gold)>;

void add_group(const char* group, std::span<const Bin> bins, const Number& number,
               const ModelRanking& ranking, const std::vector<Instance>& instances,
               std::vector<SliceScores>& slices) {
  for (const Protocol protocol : {Protocol::v1, Protocol::v2})
    for (const Bin& bin : bins) {
      const ProtocolRanks ranks = ranks_where(
          [&](const Instance& instance, const Gold& gold) {
            const std::int64_t value = number(instance, gold);
            return takes(protocol, gold) && bin.low <= value && value <= bin.high;
          },
          protocol, ranking, instances);
      if (!ranks.pairs.empty())
        slices.push_back({protocol_name(protocol), group, bin.name, score(ranks)});
    }
}

ListScores scores_of(const std::vector<std::int64_t>& counts, std::size_t lists) {
  return {.coverage = metrics::coverage(counts),
          .gini = metrics::gini(counts),
          .lists = static_cast<std::int64_t>(lists),
          .items = static_cast<std::int64_t>(counts.size())};
}

// What a liked item that was found is worth.
double worth(const Gold& gold) { return gold.seen.value_or(true) ? .5 : 1.; }

}  // namespace

std::vector<SliceScores> score_slices(const ModelRanking& ranking,
                                      const std::vector<Instance>& instances,
                                      std::span<const std::int64_t> frequencies) {
  std::vector<SliceScores> slices;
  if (!frequencies.empty())
    add_group(
        "frequency", kFrequencies,
        [&](const Instance&, const Gold& gold) {
          return frequencies[static_cast<std::size_t>(gold.item)];
        },
        ranking, instances, slices);
  add_group(
      "depth", kDepths,
      [](const Instance& instance, const Gold&) -> std::int64_t { return instance.state.turns; },
      ranking, instances, slices);
  add_group(
      "length", kLengths,
      [](const Instance& instance, const Gold&) -> std::int64_t { return instance.dialogue_turns; },
      ranking, instances, slices);
  return slices;
}

std::map<std::string, ListScores> score_lists(const ModelRanking& ranking, std::size_t items) {
  if (ranking.instances.empty()) return {};
  std::vector<std::int64_t> all(items, 0), fresh(items, 0);
  const auto add = [](const std::vector<std::pair<int, float>>& best,
                      std::vector<std::int64_t>& counts) {
    for (std::size_t i = 0; i < std::min(kListLength, best.size()); ++i)
      ++counts[static_cast<std::size_t>(best[i].first)];
  };
  for (const RankedInstance& ranked : ranking.instances) {
    add(ranked.top, all);
    add(ranked.masked_top, fresh);
  }
  const std::size_t lists = ranking.instances.size();
  return {{"v1", scores_of(all, lists)}, {"v2", scores_of(fresh, lists)}};
}

std::optional<DialogueScores> score_dialogues(const ModelRanking& ranking,
                                              const std::vector<Instance>& instances,
                                              const metrics::BootstrapOptions& options) {
  base::check(ranking.instances.size() == instances.size(), ranking.model, " ranked ",
              ranking.instances.size(), " of ", instances.size(), " instances");
  struct Found {
    double reward[std::size(kCutoffs)] = {};
    int turns = 0;
  };
  std::map<std::int64_t, Found> dialogues;
  for (std::size_t i = 0; i < instances.size(); ++i)
    for (std::size_t g = 0; g < instances[i].golds.size(); ++g) {
      const Gold& gold = instances[i].golds[g];
      if (!takes(Protocol::v3, gold)) continue;
      Found& found = dialogues[instances[i].conversation];
      found.turns = instances[i].recommender_turns;
      for (std::size_t k = 0; k < std::size(kCutoffs); ++k)
        if (ranking.instances[i].masked_ranks[g] < kCutoffs[k]) found.reward[k] += worth(gold);
    }
  if (dialogues.empty()) return std::nullopt;
  DialogueScores scores;
  scores.dialogues = static_cast<std::int64_t>(dialogues.size());
  const auto count = static_cast<double>(dialogues.size());
  std::vector<std::string> names;
  std::vector<std::vector<double>> columns;
  std::vector<std::int64_t> clusters;
  for (const auto& [dialogue, found] : dialogues) clusters.push_back(dialogue);
  for (std::size_t k = 0; k < std::size(kCutoffs); ++k) {
    std::vector<double> success, reward;
    for (const auto& [dialogue, found] : dialogues) {
      success.push_back(found.reward[k] > 0);
      reward.push_back(found.reward[k] / found.turns);
      scores.success[k] += success.back() / count;
      scores.reward[k] += reward.back() / count;
    }
    names.push_back("sr@" + std::to_string(kCutoffs[k]));
    columns.push_back(std::move(success));
    names.push_back("rdl@" + std::to_string(kCutoffs[k]));
    columns.push_back(std::move(reward));
  }
  scores.intervals = intervals_of(names, columns, clusters, options);
  return scores;
}

}  // namespace evaluate
