#include "evaluate/trec.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <span>

#include "base/files.h"
#include "base/format.h"
#include "base/json.h"

namespace evaluate {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBestOfOtherRules = kCutoffs[std::size(kCutoffs) - 1];
constexpr double kUnit = 1e-4;  // of a printed score
constexpr double kLowestScore =
    -900;  // neighbours that are kUnit apart differ as floats up to here

// One folder of TREC files.
struct Part {
  std::string name;  // of the folder
  Protocol protocol = Protocol::v1;
  const std::vector<Instance>* instances = nullptr;
  InstanceRule rule = InstanceRule::own;
  std::optional<NegativeKind> negatives = {};  // set: among these
};

// Whether every place with an item of V2 has enough negatives for the smallest draw.
bool is_drawn(const Examples& examples, NegativeKind kind) {
  if (examples.negatives.empty()) return false;
  for (std::size_t i = 0; i < examples.own.size(); ++i)
    if (takes_any(Protocol::v2, examples.own[i]) &&
        examples.negatives[i].items[static_cast<std::size_t>(kind)].size() <
            kNegativeCounts.front())
      return false;
  return true;
}

// Those that have a pair.
std::vector<Part> parts_of(const Examples& examples) {
  std::vector<Part> parts;
  for (const Protocol protocol : kProtocols)
    parts.push_back({protocol_name(protocol), protocol, &examples.own});
  for (const Protocol protocol : {Protocol::v1, Protocol::v2}) {
    parts.push_back({rule_protocol(protocol, InstanceRule::kbrd), protocol, &examples.kbrd,
                     InstanceRule::kbrd});
    parts.push_back({rule_protocol(protocol, InstanceRule::unicrs), protocol, &examples.unicrs,
                     InstanceRule::unicrs});
  }
  for (const NegativeKind kind : kNegativeKinds)
    if (is_drawn(examples, kind))
      parts.push_back({sampled_folder(kind), Protocol::v2, &examples.own, InstanceRule::own, kind});
  std::erase_if(parts,
                [](const Part& part) { return count(*part.instances, part.protocol).pairs == 0; });
  return parts;
}

std::string qrels_line(const std::string& query, const dialogue::Item& item, int relevance) {
  return query + " 0 " + trec_field(item.id) + " " + std::to_string(relevance) + "\n";
}

std::string qrels_lines(const Part& part, std::size_t i, const Examples& examples,
                        const dialogue::Catalogue& catalogue) {
  const Instance& instance = (*part.instances)[i];
  std::vector<std::pair<int, int>> counts;  // item, how many pairs
  for (const Gold& gold : instance.golds) {
    if (!takes(part.protocol, gold)) continue;
    const auto known = std::find_if(counts.begin(), counts.end(),
                                    [&](const auto& entry) { return entry.first == gold.item; });
    if (known == counts.end())
      counts.emplace_back(gold.item, 1);
    else
      ++known->second;
  }
  std::string lines;
  for (const auto& [item, pairs] : counts)
    lines += qrels_line(instance.query, catalogue[item], pairs);
  if (part.negatives && !lines.empty())
    for (const int item : examples.negatives[i].items[static_cast<std::size_t>(*part.negatives)])
      lines += qrels_line(instance.query, catalogue[item], 0);
  return lines;
}

std::string run_lines(const std::string& query, std::span<const std::pair<int, float>> best,
                      const dialogue::Catalogue& catalogue, const std::string& model) {
  std::string lines;
  auto last = std::numeric_limits<std::int64_t>::max();
  int rank = 0;
  for (const auto& [item, score] : best) {
    const double bounded = std::max<double>(score, kLowestScore);
    last = std::min(static_cast<std::int64_t>(std::llround(bounded / kUnit)), last - 1);
    lines += query + " Q0 " + trec_field(catalogue[item].id) + " " + std::to_string(++rank) + " " +
             base::fixed(static_cast<double>(last) * kUnit, 4) + " " + model + "\n";
  }
  return lines;
}

std::span<const std::pair<int, float>> best_items(const Part& part, const RankedInstance& ranked) {
  if (part.negatives) return ranked.candidates[static_cast<std::size_t>(*part.negatives)];
  const auto& best = masks_named(part.protocol) ? ranked.masked_top : ranked.top;
  const std::size_t most = part.rule == InstanceRule::own ? kListed : kBestOfOtherRules;
  return std::span(best).first(std::min(most, best.size()));
}

base::Json optional_json(const std::optional<bool>& value) {
  return value ? base::Json(*value) : base::Json();
}

base::Json to_json(const Instance& instance, const Examples& examples,
                   const dialogue::Catalogue& catalogue) {
  base::Json items = base::Json::array(), named = base::Json::array();
  for (const Gold& gold : instance.golds) {
    base::Json item = {{"item", trec_field(catalogue[gold.item].id)},
                       {"new", gold.is_new},
                       {"liked", optional_json(gold.liked)},
                       {"seen", optional_json(gold.seen)}};
    if (!examples.frequencies.empty())
      item["frequency"] = examples.frequencies[static_cast<std::size_t>(gold.item)];
    items.push_back(std::move(item));
  }
  for (const dialogue::KnownItem& known : instance.state.items)
    named.push_back(trec_field(catalogue[known.item].id));
  return {{"query", instance.query},
          {"conversation", instance.conversation},
          {"turns_before", instance.state.turns},
          {"dialogue_turns", instance.dialogue_turns},
          {"recommender_turns", instance.recommender_turns},
          {"items", items},
          {"named", named}};
}

const ModelRanking& ranking_of(const Part& part, const ExampleRankings& rankings) {
  switch (part.rule) {
    case InstanceRule::kbrd:
      return rankings.kbrd;
    case InstanceRule::unicrs:
      return rankings.unicrs;
    case InstanceRule::own:
      break;
  }
  return rankings.own;
}

}  // namespace

void write_qrels(const fs::path& folder, const Examples& examples,
                 const dialogue::Catalogue& catalogue) {
  base::create_folder(folder);
  base::FileWriter instances(folder / "instances.jsonl");
  for (const Instance& instance : examples.own)
    instances.write(to_json(instance, examples, catalogue)
                        .dump(-1, ' ', false, base::Json::error_handler_t::replace) +
                    "\n");
  instances.commit();
  for (const Part& part : parts_of(examples)) {
    base::create_folder(folder / part.name);
    base::FileWriter file(folder / part.name / "qrels.trec");
    for (std::size_t i = 0; i < part.instances->size(); ++i)
      file.write(qrels_lines(part, i, examples, catalogue));
    file.commit();
  }
}

void write_run(const fs::path& folder, const ExampleRankings& rankings, const Examples& examples,
               const dialogue::Catalogue& catalogue) {
  for (const Part& part : parts_of(examples)) {
    const ModelRanking& ranking = ranking_of(part, rankings);
    base::check(ranking.instances.size() == part.instances->size(), ranking.model, " ranked ",
                ranking.instances.size(), " of ", part.instances->size(), " instances");
    const std::string model = trec_field(ranking.model);
    base::create_folder(folder / part.name);
    base::FileWriter file(folder / part.name / (ranking.model + ".trec"));
    for (std::size_t i = 0; i < part.instances->size(); ++i) {
      const Instance& instance = (*part.instances)[i];
      if (takes_any(part.protocol, instance))
        file.write(
            run_lines(instance.query, best_items(part, ranking.instances[i]), catalogue, model));
    }
    file.commit();
  }
}

}  // namespace evaluate
