#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "evaluate/ranking.h"
#include "metrics/bootstrap.h"

namespace evaluate {

// A comparison that was decided on before anything was measured: is `model` better than `against`?
struct Declared {
  std::string protocol;  // "v1", "v2", "v3", "ln"
  std::string metric;    // "hr@5", "ndcg@10", "mrr@50": any cutoff, per pair
  std::string model;
  std::string against;
  bool primary = false;  // the endpoints that a report's summary speaks of
};

// From texts such as "v2 hr@5 ppo sft", as recipes declare them. Throws base::UsageError where one
// is not four words.
std::vector<Declared> read_declared(const std::vector<std::string>& primary,
                                    const std::vector<std::string>& secondary);

// "HR@5 in V2".
std::string endpoint_title(const std::string& protocol, const std::string& metric);

// One of `comparisons` of report.json.
struct Comparison {
  std::string protocol;  // as declared, or "world"
  std::string metric;    // as declared, or "satisfaction"
  std::string model;
  std::string against;
  double difference = 0;         // model minus against, the mean over the same rows
  double low = 0, high = 0;      // the 95 % interval, whole dialogues (or people) drawn
  double p = 1;                  // Fisher's randomisation test, two-sided
  std::optional<double> p_holm;  // corrected for all comparisons declared with it
  std::int64_t n = 0;            // pairs, or episodes
  std::int64_t clusters = 0;     // dialogues, or people
  bool primary = false;
  // Of the mean difference, whole dialogues (or people) counted as one; nothing with fewer than two
  // of them or where they all differ alike.
  std::optional<double> error = {};       // standard
  std::optional<double> detectable = {};  // smallest true difference found with 80 % power
  std::optional<double> power = {};       // to find a true difference as large as the measured one
};

// The means' 95 % intervals of columns of values over the same rows, each by its column's name.
// Nothing where there is no row.
Intervals intervals_of(const std::vector<std::string>& names,
                       const std::vector<std::vector<double>>& columns,
                       const std::vector<std::int64_t>& clusters,
                       const metrics::BootstrapOptions& options = {});

// The metric of each pair of a protocol. Throws base::Error (usage) where the metric's name is not
// one of hr, ndcg, mrr, "@" and a number above 0.
std::vector<double> pair_values(const ProtocolRanks& ranks, const std::string& metric);

// Of each metric per pair at kCutoffs, by its name ("hr@5"). Nothing where there is no pair.
Intervals pair_intervals(const ProtocolRanks& ranks, const metrics::BootstrapOptions& options = {});

// One row for each declared comparison that can be made: both models are among the rankings and the
// protocol has a pair. Rows of one protocol share their draws. p_holm is not set: see
// correct_for_number.
std::vector<Comparison> compare(const std::vector<ModelRanking>& rankings,
                                const std::vector<Instance>& instances,
                                const std::vector<Declared>& declared,
                                const metrics::BootstrapOptions& options = {});

// Sets p_holm of all rows by Holm's correction over all of them.
void correct_for_number(std::vector<Comparison>& comparisons);

// A comparison of paired values. first, second: the two models' on the same rows, at least one.
Comparison compare_values(const std::vector<double>& first, const std::vector<double>& second,
                          const std::vector<std::int64_t>& clusters,
                          const metrics::BootstrapOptions& options = {});

base::Json to_json(const Comparison& comparison);
// Throws base::DataError.
Comparison comparison_from_json(const base::Json& json, const std::string& where);

}  // namespace evaluate
