#include "evaluate/ranking.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/error.h"
#include "base/files.h"
#include "base/format.h"
#include "metrics/ranking.h"

namespace evaluate {
namespace {

constexpr std::size_t kBatch = 256;
constexpr std::size_t kTop = 100;
constexpr double kUnit = 1e-4;  // of a printed score
constexpr double kLowestScore =
    -900;  // neighbours that are kUnit apart differ as floats up to here

std::vector<std::pair<int, float>> top_of(const std::vector<float>& row, std::size_t available) {
  std::vector<std::pair<int, float>> top;
  for (std::size_t i : metrics::best_indices(row, std::min(kTop, available)))
    top.emplace_back(static_cast<int>(i), row[i]);
  return top;
}

RankedInstance rank_one(const Instance& instance, std::vector<float> row) {
  RankedInstance ranked;
  const auto rank_golds = [&] {
    std::vector<std::size_t> ranks;
    for (const Gold& gold : instance.golds)
      ranks.push_back(
          metrics::rank_of(std::span<const float>(row), static_cast<std::size_t>(gold.item)));
    return ranks;
  };
  ranked.ranks = rank_golds();
  ranked.top = top_of(row, row.size());
  for (const dialogue::KnownItem& known : instance.state.items)
    row[static_cast<std::size_t>(known.item)] = -std::numeric_limits<float>::infinity();
  ranked.masked_ranks = rank_golds();
  ranked.masked_top = top_of(row, row.size() - instance.state.items.size());
  return ranked;
}

std::string run_lines(Protocol protocol, const Instance& instance, const RankedInstance& ranked,
                      const dialogue::Catalogue& catalogue, const std::string& model) {
  std::string lines;
  auto last = std::numeric_limits<std::int64_t>::max();
  int rank = 0;
  for (const auto& [item, score] : masks_named(protocol) ? ranked.masked_top : ranked.top) {
    const double bounded = std::max<double>(score, kLowestScore);
    last = std::min(static_cast<std::int64_t>(std::llround(bounded / kUnit)), last - 1);
    lines += instance.query + " Q0 " + trec_field(catalogue[item].id) + " " +
             std::to_string(++rank) + " " + base::fixed(static_cast<double>(last) * kUnit, 4) +
             " " + model + "\n";
  }
  return lines;
}

bool takes_any(Protocol protocol, const Instance& instance) {
  return std::any_of(instance.golds.begin(), instance.golds.end(),
                     [&](const Gold& gold) { return takes(protocol, gold); });
}

}  // namespace

ModelRanking rank_instances(dialogue::Recommender& recommender,
                            const std::vector<Instance>& instances,
                            const dialogue::Catalogue& catalogue, base::Console& console) {
  ModelRanking ranking{.model = recommender.name(), .instances = {}};
  ranking.instances.reserve(instances.size());
  base::Progress progress(console, "ranking by " + ranking.model,
                          static_cast<std::int64_t>(instances.size()));
  for (std::size_t first = 0; first < instances.size(); first += kBatch) {
    const std::size_t size = std::min(kBatch, instances.size() - first);
    std::vector<dialogue::State> states;
    for (std::size_t i = first; i < first + size; ++i) states.push_back(instances[i].state);
    std::vector<std::vector<float>> rows = recommender.rank(states);
    base::check(rows.size() == size, ranking.model, " ranked ", rows.size(), " of ", size,
                " states");
    for (std::size_t i = 0; i < size; ++i) {
      base::check(rows[i].size() == static_cast<std::size_t>(catalogue.size()), ranking.model,
                  " ranked ", rows[i].size(), " items of ", catalogue.size());
      ranking.instances.push_back(rank_one(instances[first + i], std::move(rows[i])));
    }
    progress.advance(static_cast<std::int64_t>(size));
  }
  progress.finish();
  return ranking;
}

ProtocolRanks ranks_in(Protocol protocol, const ModelRanking& ranking,
                       const std::vector<Instance>& instances) {
  base::check(ranking.instances.size() == instances.size(), ranking.model, " ranked ",
              ranking.instances.size(), " of ", instances.size(), " instances");
  ProtocolRanks ranks;
  for (std::size_t i = 0; i < instances.size(); ++i) {
    const RankedInstance& ranked = ranking.instances[i];
    const auto& own = masks_named(protocol) ? ranked.masked_ranks : ranked.ranks;
    std::vector<std::size_t> message;
    for (std::size_t g = 0; g < instances[i].golds.size(); ++g)
      if (takes(protocol, instances[i].golds[g])) message.push_back(own[g]);
    if (message.empty()) continue;
    ranks.pairs.insert(ranks.pairs.end(), message.begin(), message.end());
    ranks.clusters.insert(ranks.clusters.end(), message.size(), instances[i].dialogue);
    ranks.messages.push_back(std::move(message));
  }
  return ranks;
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

void write_qrels(const std::filesystem::path& folder, const std::vector<Instance>& instances,
                 const dialogue::Catalogue& catalogue) {
  for (Protocol protocol : kProtocols) {
    std::string lines;
    for (const Instance& instance : instances)
      for (const Gold& gold : instance.golds)
        if (takes(protocol, gold))
          lines += instance.query + " 0 " + trec_field(catalogue[gold.item].id) + " 1\n";
    if (lines.empty()) continue;
    base::create_folder(folder / protocol_name(protocol));
    base::write_file(folder / protocol_name(protocol) / "qrels.trec", lines);
  }
}

void write_run(const std::filesystem::path& folder, const ModelRanking& ranking,
               const std::vector<Instance>& instances, const dialogue::Catalogue& catalogue) {
  const std::string model = trec_field(ranking.model);
  for (Protocol protocol : kProtocols) {
    if (count(instances, protocol).pairs == 0) continue;
    base::create_folder(folder / protocol_name(protocol));
    base::FileWriter file(folder / protocol_name(protocol) / (ranking.model + ".trec"));
    for (std::size_t i = 0; i < instances.size(); ++i)
      if (takes_any(protocol, instances[i]))
        file.write(run_lines(protocol, instances[i], ranking.instances[i], catalogue, model));
    file.commit();
  }
}

}  // namespace evaluate
