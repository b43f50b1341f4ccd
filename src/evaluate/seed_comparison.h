#pragma once

#include <string>
#include <vector>

#include "evaluate/comparison.h"
#include "evaluate/variants.h"
#include "metrics/seeds.h"

namespace evaluate {

// A metric of one model of a variant, a mean over its seeds.
struct SeedScore {
  std::string variant, model, protocol, metric;
  metrics::SeedInterval over_seeds;  // draws seeds and dialogues
};

// Of two models of one variant, run by run; or of one model of two variants.
struct SeedDifference {
  Comparison row;  // p: Student's t (metrics::seed_test); 1 where there is no standard error
  std::string variant, against_variant;  // equal in the first case
  std::size_t seeds = 0, against_seeds = 0;
  double deviation = 0;   // between seeds: of the difference; between variants of model's mean
  double seed_share = 0;  // of the error's square, 0 to 1
  std::optional<double> freedom = {};  // degrees of freedom of the error
};

struct RunsComparison {
  std::vector<Variant> variants;
  std::vector<SeedScore> scores;  // by variant, protocol, model, metric
  std::vector<SeedDifference> differences;
  std::vector<std::string> warnings;
};

// The metrics of `scores`, in V1, V2, V3 and LN, per pair.
inline constexpr const char* kSeedMetrics[] = {"hr@1",  "hr@5",    "hr@10",
                                               "hr@50", "ndcg@10", "mrr@10"};

// All runs must have been evaluated on the same instances. `differences` has each declared
// comparison within each variant, then the model of each primary one in each variant against the
// first variant; one that a run has no rankings for is left out. p_holm is over all of them.
// Throws base::DataError where a run's files are missing or damaged (read_evaluation), or of other
// instances, saying which; base::UsageError where a cutoff is above kListed, and as
// group_by_variant does.
RunsComparison compare_runs(const std::vector<FinishedRun>& runs,
                            const std::vector<Declared>& declared,
                            const metrics::BootstrapOptions& options = {});

// One sentence that says what a difference is; "better" and "worse" where p_holm is below .05.
std::string finding(const SeedDifference& difference);

}  // namespace evaluate
