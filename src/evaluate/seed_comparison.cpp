#include "evaluate/seed_comparison.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/format.h"
#include "evaluate/evaluation_folder.h"
#include "metrics/power.h"

namespace evaluate {
namespace {

constexpr std::size_t kFewSeeds = 5;
constexpr double kLevel = .05;

using Values = std::vector<std::vector<double>>;  // of each run, pair by pair

struct Evaluated {
  Variant variant;
  std::vector<EvaluationFolder> evaluations;  // one a run
};

// ---- the same instances ----

std::map<std::string, std::int64_t> pairs_of(const EvaluationFolder& evaluation,
                                             Protocol protocol) {
  std::map<std::string, std::int64_t> pairs;
  const auto found = evaluation.protocols.find(protocol);
  if (found == evaluation.protocols.end()) return pairs;
  for (std::size_t i = 0; i < found->second.names.size(); ++i)
    pairs.emplace(found->second.names[i], found->second.clusters[i]);
  return pairs;
}

void check_same_instances(const EvaluationFolder& first, const EvaluationFolder& other) {
  for (const Protocol protocol : kProtocols) {
    const auto wanted = pairs_of(first, protocol), found = pairs_of(other, protocol);
    if (wanted == found) continue;
    std::size_t missing = 0, more = 0;
    std::string example;
    for (const auto& [pair, cluster] : wanted)
      if (!found.contains(pair)) example = missing++ == 0 ? pair : example;
    for (const auto& [pair, cluster] : found)
      if (!wanted.contains(pair)) example = more++ == 0 && missing == 0 ? pair : example;
    const std::string file = std::string(protocol_name(protocol)) + "/qrels.trec";
    if (missing + more == 0)
      throw base::DataError(other.folder, ": queries are of other conversations than in ",
                            first.folder.string(), "; instances.jsonl says which");
    throw base::DataError(
        other.folder, ": evaluated on other instances than ", first.folder.string(), ": of ",
        wanted.size(), " pairs in ", file, " it lacks ", missing, " and has ", more,
        " others (such as ", example,
        "). Runs can be compared on the same held-out dialogues: give them one data.split or one "
        "data.test");
  }
}

std::vector<Evaluated> read_all(const std::vector<FinishedRun>& runs) {
  std::vector<Evaluated> all;
  for (Variant& variant : group_by_variant(runs)) {
    Evaluated own{std::move(variant), {}};
    for (const FinishedRun& run : own.variant.runs) {
      own.evaluations.push_back(read_evaluation(run.evaluation));
      check_same_instances(all.empty() ? own.evaluations[0] : all[0].evaluations[0],
                           own.evaluations.back());
    }
    all.push_back(std::move(own));
  }
  return all;
}

// ---- values ----

bool has_model(const Evaluated& evaluated, const std::string& model) {
  return std::all_of(evaluated.evaluations.begin(), evaluated.evaluations.end(),
                     [&](const EvaluationFolder& evaluation) {
                       return std::count(evaluation.models.begin(), evaluation.models.end(), model);
                     });
}

Values values_of(const Evaluated& evaluated, Protocol protocol, const std::string& model,
                 const std::string& metric) {
  Values values;
  for (const EvaluationFolder& evaluation : evaluated.evaluations)
    values.push_back(pair_values(ranks_in(protocol, evaluation, model), metric));
  return values;
}

const std::vector<std::int64_t>& clusters_of(const Evaluated& evaluated, Protocol protocol) {
  return evaluated.evaluations[0].protocols.at(protocol).clusters;
}

void add_scores(const Evaluated& evaluated, const metrics::BootstrapOptions& options,
                std::vector<SeedScore>& scores) {
  for (const auto& [protocol, pairs] : evaluated.evaluations[0].protocols)
    for (const std::string& model : evaluated.evaluations[0].models) {
      if (!has_model(evaluated, model)) continue;
      for (const char* metric : kSeedMetrics) {
        const auto found = metrics::bootstrap_seeds(values_of(evaluated, protocol, model, metric),
                                                    pairs.clusters, options);
        if (found)
          scores.push_back(
              {evaluated.variant.name, model, protocol_name(protocol), metric, *found});
      }
    }
}

// ---- differences ----

SeedDifference make_difference(const Declared& declared, const metrics::SeedInterval& interval,
                               const std::optional<metrics::SeedError>& error) {
  SeedDifference out;
  Comparison& row = out.row;
  row.protocol = declared.protocol;
  row.metric = declared.metric;
  row.model = declared.model;
  row.against = declared.against;
  row.primary = declared.primary;
  row.difference = interval.interval.estimate;
  row.low = interval.interval.low;
  row.high = interval.interval.high;
  row.n = static_cast<std::int64_t>(interval.interval.rows);
  row.clusters = static_cast<std::int64_t>(interval.interval.clusters);
  out.deviation = interval.deviation;
  out.seeds = out.against_seeds = interval.seeds;
  if (!error) return out;
  row.p = metrics::seed_test(row.difference, *error);
  row.error = error->error;
  row.detectable = metrics::smallest_detectable(error->error, {.freedom = error->freedom});
  row.power = metrics::power_of(row.difference, error->error, {.freedom = error->freedom});
  out.freedom = error->freedom;
  out.seed_share = error->between_seeds / (error->error * error->error);
  return out;
}

// Two models of one run share its seed, so their difference is taken run by run.
std::optional<SeedDifference> within(const Evaluated& evaluated, const Declared& declared,
                                     const metrics::BootstrapOptions& options) {
  const Protocol protocol = protocol_of(declared.protocol);
  if (!has_model(evaluated, declared.model) || !has_model(evaluated, declared.against) ||
      !evaluated.evaluations[0].protocols.contains(protocol))
    return std::nullopt;
  const Values model = values_of(evaluated, protocol, declared.model, declared.metric),
               against = values_of(evaluated, protocol, declared.against, declared.metric);
  Values differences;
  for (std::size_t run = 0; run < model.size(); ++run)
    differences.push_back(metrics::paired_differences(model[run], against[run]));
  const auto& clusters = clusters_of(evaluated, protocol);
  SeedDifference out =
      make_difference(declared, *metrics::bootstrap_seeds(differences, clusters, options),
                      metrics::seed_error(differences, clusters));
  out.variant = out.against_variant = evaluated.variant.name;
  return out;
}

std::optional<SeedDifference> between(const Evaluated& evaluated, const Evaluated& against,
                                      Declared declared, const metrics::BootstrapOptions& options) {
  const Protocol protocol = protocol_of(declared.protocol);
  declared.against = declared.model;
  if (!has_model(evaluated, declared.model) || !has_model(against, declared.model) ||
      !evaluated.evaluations[0].protocols.contains(protocol))
    return std::nullopt;
  const Values first = values_of(evaluated, protocol, declared.model, declared.metric),
               second = values_of(against, protocol, declared.model, declared.metric);
  const auto& clusters = clusters_of(evaluated, protocol);
  SeedDifference out = make_difference(
      declared, *metrics::bootstrap_seed_difference(first, second, clusters, options),
      metrics::seed_difference_error(first, second, clusters));
  out.variant = evaluated.variant.name;
  out.against_variant = against.variant.name;
  out.against_seeds = second.size();
  return out;
}

// One a protocol, metric and model of the primary endpoints.
std::vector<Declared> endpoints_between(const std::vector<Declared>& declared) {
  std::set<std::string> known;
  std::vector<Declared> endpoints;
  for (const Declared& wanted : declared)
    if (wanted.primary &&
        known.insert(wanted.protocol + " " + wanted.metric + " " + wanted.model).second)
      endpoints.push_back(wanted);
  return endpoints;
}

void refuse_unlisted(const std::vector<Declared>& declared) {
  for (const Declared& wanted : declared) {
    const auto listed = pair_values({{kListed}, {0}, {}}, wanted.metric);
    if (listed[0] > 0)
      throw base::UsageError(wanted.metric, " looks further than an evaluation's lists of ",
                             kListed, " items");
  }
}

std::vector<std::string> warn_of(const std::vector<Variant>& variants) {
  std::vector<std::string> warnings;
  for (const Variant& variant : variants) {
    const std::size_t seeds = variant.runs.size();
    if (seeds == 1)
      warnings.push_back(variant.name +
                         ": one seed. Its intervals speak of this run and of new dialogues, not of "
                         "what another seed would give.");
    else if (seeds < kFewSeeds)
      warnings.push_back(base::concatenate(
          variant.name, ": ", seeds,
          " seeds. The part of its intervals' variance that is between seeds comes out ",
          base::fixed(static_cast<double>(seeds) / static_cast<double>(seeds - 1), 2),
          " times too small; go by p, which knows how few they are."));
  }
  return warnings;
}

void correct_for_number(std::vector<SeedDifference>& differences) {
  std::vector<double> p_values;
  for (const SeedDifference& difference : differences) p_values.push_back(difference.row.p);
  const std::vector<double> adjusted = metrics::holm_adjust(p_values);
  for (std::size_t i = 0; i < differences.size(); ++i) differences[i].row.p_holm = adjusted[i];
}

}  // namespace

RunsComparison compare_runs(const std::vector<FinishedRun>& runs,
                            const std::vector<Declared>& declared,
                            const metrics::BootstrapOptions& options) {
  refuse_unlisted(declared);
  const std::vector<Evaluated> all = read_all(runs);
  RunsComparison out;
  for (const Evaluated& evaluated : all) {
    out.variants.push_back(evaluated.variant);
    add_scores(evaluated, options, out.scores);
    for (const Declared& wanted : declared)
      if (auto found = within(evaluated, wanted, options))
        out.differences.push_back(std::move(*found));
  }
  for (std::size_t v = 1; v < all.size(); ++v)
    for (const Declared& wanted : endpoints_between(declared))
      if (auto found = between(all[v], all[0], wanted, options))
        out.differences.push_back(std::move(*found));
  correct_for_number(out.differences);
  out.warnings = warn_of(out.variants);
  return out;
}

std::string finding(const SeedDifference& difference) {
  const Comparison& row = difference.row;
  const bool one_variant = difference.variant == difference.against_variant;
  const auto points = [](double value) { return base::signed_fixed(100 * value, 2); };
  const std::string first = one_variant ? row.model : row.model + " of " + difference.variant,
                    second = one_variant ? row.against
                                         : row.against + " of " + difference.against_variant;
  const std::string what =
      " in " + endpoint_title(row.protocol, row.metric) +
      (one_variant ? " (" + difference.variant + ")" : "") + ": " +
      base::concatenate(points(row.difference), " points (95 % interval ", points(row.low), " to ",
                        points(row.high), "; p ", base::fixed(row.p_holm.value_or(row.p), 3),
                        " after Holm's correction; ", difference.seeds,
                        one_variant ? "" : " and " + std::to_string(difference.against_seeds),
                        " seeds, ", row.n, " pairs, ", row.clusters, " dialogues).");
  if (row.p_holm.value_or(row.p) >= kLevel)
    return "No difference was shown between " + first + " and " + second + what;
  return first + (row.difference > 0 ? " is better than " : " is worse than ") + second + what;
}

}  // namespace evaluate
