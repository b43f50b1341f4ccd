#include "evaluate/comparison.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "base/error.h"
#include "metrics/power.h"
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

// Rows of differences over the same pairs, one a column; what they compare is not set.
std::vector<Comparison> compare_columns(const std::vector<std::vector<double>>& differences,
                                        const std::vector<std::int64_t>& clusters,
                                        const metrics::BootstrapOptions& options) {
  const auto intervals = metrics::bootstrap_means(differences, clusters, options);
  const auto p_values = metrics::randomisation_tests(differences, clusters, options);
  std::vector<Comparison> rows(differences.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    base::check(intervals[i].has_value(), "a comparison of no rows");
    rows[i].difference = intervals[i]->estimate;
    rows[i].low = intervals[i]->low;
    rows[i].high = intervals[i]->high;
    rows[i].n = static_cast<std::int64_t>(intervals[i]->rows);
    rows[i].clusters = static_cast<std::int64_t>(intervals[i]->clusters);
    rows[i].p = p_values[i];
    const auto error = metrics::clustered_error(differences[i], clusters);
    if (!error || *error <= 0) continue;
    rows[i].error = error;
    rows[i].detectable = metrics::smallest_detectable(*error);
    rows[i].power = metrics::power_of(rows[i].difference, *error);
  }
  return rows;
}

Declared read_one(const std::string& text) {
  std::istringstream in(text);
  Declared declared;
  std::string more;
  if (!(in >> declared.protocol >> declared.metric >> declared.model >> declared.against) ||
      in >> more)
    throw base::UsageError("a comparison is declared as \"", text,
                           "\", expected four words such as v2 hr@5 ppo sft");
  return declared;
}

// What is compared within one protocol, and where it stands among all rows.
struct Group {
  std::vector<std::size_t> places;
  std::vector<std::vector<double>> differences;
  std::vector<std::int64_t> clusters;
};

}  // namespace

std::vector<Declared> read_declared(const std::vector<std::string>& primary,
                                    const std::vector<std::string>& secondary) {
  std::vector<Declared> all;
  for (const std::string& text : primary) {
    all.push_back(read_one(text));
    all.back().primary = true;
  }
  for (const std::string& text : secondary) all.push_back(read_one(text));
  return all;
}

std::string endpoint_title(const std::string& protocol, const std::string& metric) {
  std::string title = metric + " in " + protocol;
  for (char& c : title)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return title.replace(metric.size(), 4, " in ");
}

Intervals intervals_of(const std::vector<std::string>& names,
                       const std::vector<std::vector<double>>& columns,
                       const std::vector<std::int64_t>& clusters,
                       const metrics::BootstrapOptions& options) {
  const auto found = metrics::bootstrap_means(columns, clusters, options);
  Intervals intervals;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (found[i]) intervals[names[i]] = {found[i]->low, found[i]->high};
  return intervals;
}

std::vector<double> pair_values(const ProtocolRanks& ranks, const std::string& metric) {
  const Metric parsed = parse_metric(metric);
  std::vector<double> values;
  values.reserve(ranks.pairs.size());
  for (std::size_t rank : ranks.pairs) values.push_back(parsed.value(rank, parsed.k));
  return values;
}

Intervals pair_intervals(const ProtocolRanks& ranks, const metrics::BootstrapOptions& options) {
  std::vector<std::string> names;
  std::vector<std::vector<double>> columns;
  for (const char* metric : {"hr@", "ndcg@", "mrr@"})
    for (std::size_t k : kCutoffs) {
      names.push_back(metric + std::to_string(k));
      columns.push_back(pair_values(ranks, names.back()));
    }
  return intervals_of(names, columns, ranks.clusters, options);
}

std::vector<Comparison> compare(const std::vector<ModelRanking>& rankings,
                                const std::vector<Instance>& instances,
                                const std::vector<Declared>& declared,
                                const metrics::BootstrapOptions& options) {
  std::vector<Comparison> rows;
  std::map<Protocol, Group> groups;
  std::map<std::pair<Protocol, const ModelRanking*>, ProtocolRanks> known;
  const auto ranks_of = [&](Protocol protocol, const ModelRanking* ranking) -> ProtocolRanks& {
    const auto [place, is_new] = known.try_emplace({protocol, ranking});
    if (is_new) place->second = ranks_in(protocol, *ranking, instances);
    return place->second;
  };
  for (const Declared& wanted : declared) {
    const Protocol protocol = protocol_of(wanted.protocol);
    const ModelRanking* first = find(rankings, wanted.model);
    const ModelRanking* second = find(rankings, wanted.against);
    if (!first || !second || ranks_of(protocol, first).pairs.empty()) continue;
    Group& group = groups[protocol];
    group.clusters = ranks_of(protocol, first).clusters;
    group.places.push_back(rows.size());
    group.differences.push_back(
        metrics::paired_differences(pair_values(ranks_of(protocol, first), wanted.metric),
                                    pair_values(ranks_of(protocol, second), wanted.metric)));
    Comparison row;
    row.protocol = wanted.protocol;
    row.metric = wanted.metric;
    row.model = wanted.model;
    row.against = wanted.against;
    row.primary = wanted.primary;
    rows.push_back(std::move(row));
  }
  for (const auto& [protocol, group] : groups) {
    std::vector<Comparison> found = compare_columns(group.differences, group.clusters, options);
    for (std::size_t i = 0; i < found.size(); ++i) {
      Comparison& row = rows[group.places[i]];
      found[i].protocol = row.protocol;
      found[i].metric = row.metric;
      found[i].model = row.model;
      found[i].against = row.against;
      found[i].primary = row.primary;
      row = std::move(found[i]);
    }
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
  return compare_columns({metrics::paired_differences(first, second)}, clusters, options).front();
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
  if (row.error) json["error"] = *row.error;
  if (row.detectable) json["detectable"] = *row.detectable;
  if (row.power) json["power"] = *row.power;
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
  row.error = base::optional<double>(json, "error", where);
  row.detectable = base::optional<double>(json, "detectable", where);
  row.power = base::optional<double>(json, "power", where);
  return row;
}

}  // namespace evaluate
