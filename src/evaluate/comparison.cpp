#include "evaluate/comparison.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "metrics/ranking.h"

namespace evaluate {
namespace {

const ModelRanking* find(const std::vector<ModelRanking>& rankings, const std::string& model) {
  const auto found = std::find_if(rankings.begin(), rankings.end(),
                                  [&](const ModelRanking& own) { return own.model == model; });
  return found == rankings.end() ? nullptr : &*found;
}

struct Metric {
  double (*value)(std::size_t rank, std::size_t k) = nullptr;
  std::size_t k = 0;
};

Metric parse_metric(const std::string& name) {
  const std::size_t at = name.find('@');
  Metric metric;
  const std::string kind = name.substr(0, at);
  if (kind == "hr") metric.value = metrics::hit_at;
  if (kind == "ndcg") metric.value = metrics::ndcg_at;
  if (kind == "mrr") metric.value = metrics::reciprocal_rank_at;
  if (at != std::string::npos) {
    const char* end = name.data() + name.size();
    const auto read = std::from_chars(name.data() + at + 1, end, metric.k);
    if (read.ec != std::errc() || read.ptr != end) metric.k = 0;
  }
  if (!metric.value || metric.k == 0)
    throw base::UsageError("there is no metric \"", name, "\"; try hr@5, ndcg@10 or mrr@50");
  return metric;
}

}  // namespace

std::vector<double> pair_values(const ProtocolRanks& ranks, const std::string& metric) {
  const Metric parsed = parse_metric(metric);
  std::vector<double> values;
  values.reserve(ranks.pairs.size());
  for (std::size_t rank : ranks.pairs) values.push_back(parsed.value(rank, parsed.k));
  return values;
}

std::vector<Comparison> compare(const std::vector<ModelRanking>& rankings,
                                const std::vector<Instance>& instances,
                                const std::vector<Declared>& declared,
                                const metrics::BootstrapOptions& options) {
  std::vector<Comparison> rows;
  for (const Declared& wanted : declared) {
    const Protocol protocol = protocol_of(wanted.protocol);
    const ModelRanking* first = find(rankings, wanted.model);
    const ModelRanking* second = find(rankings, wanted.against);
    if (!first || !second || count(instances, protocol).pairs == 0) continue;
    const ProtocolRanks ranks = ranks_in(protocol, *first, instances);
    Comparison row =
        compare_values(pair_values(ranks, wanted.metric),
                       pair_values(ranks_in(protocol, *second, instances), wanted.metric),
                       ranks.clusters, options);
    row.protocol = wanted.protocol;
    row.metric = wanted.metric;
    row.model = wanted.model;
    row.against = wanted.against;
    row.primary = wanted.primary;
    rows.push_back(std::move(row));
  }
  return rows;
}

void correct_for_number(std::vector<Comparison>& comparisons) {
  std::vector<double> p_values;
  for (const Comparison& row : comparisons) p_values.push_back(row.p);
  const std::vector<double> adjusted = metrics::holm_adjust(p_values);
  for (std::size_t i = 0; i < comparisons.size(); ++i) comparisons[i].p_holm = adjusted[i];
}

Comparison compare_values(const std::vector<double>& first, const std::vector<double>& second,
                          const std::vector<std::int64_t>& clusters,
                          const metrics::BootstrapOptions& options) {
  const auto interval = metrics::bootstrap_difference(first, second, clusters, options);
  base::check(interval.has_value(), "a comparison of no rows");
  Comparison row;
  row.difference = interval->estimate;
  row.low = interval->low;
  row.high = interval->high;
  row.n = static_cast<std::int64_t>(interval->rows);
  row.clusters = static_cast<std::int64_t>(interval->clusters);
  row.p = metrics::randomisation_test(first, second, clusters, options);
  return row;
}

base::Json to_json(const Comparison& row) {
  base::Json json = {{"protocol", row.protocol},
                     {"metric", row.metric},
                     {"model", row.model},
                     {"against", row.against},
                     {"difference", row.difference},
                     {"low", row.low},
                     {"high", row.high},
                     {"p", row.p},
                     {"n", row.n},
                     {"clusters", row.clusters},
                     {"primary", row.primary}};
  if (row.p_holm) json["p_holm"] = *row.p_holm;
  return json;
}

Comparison comparison_from_json(const base::Json& json, const std::string& where) {
  Comparison row;
  row.protocol = base::require<std::string>(json, "protocol", where);
  row.metric = base::require<std::string>(json, "metric", where);
  row.model = base::require<std::string>(json, "model", where);
  row.against = base::require<std::string>(json, "against", where);
  row.difference = base::require<double>(json, "difference", where);
  row.low = base::require<double>(json, "low", where);
  row.high = base::require<double>(json, "high", where);
  row.p = base::require<double>(json, "p", where);
  row.p_holm = base::optional<double>(json, "p_holm", where);
  row.n = base::require<std::int64_t>(json, "n", where);
  row.clusters = base::require<std::int64_t>(json, "clusters", where);
  row.primary = base::optional<bool>(json, "primary", where).value_or(false);
  return row;
}

}  // namespace evaluate
