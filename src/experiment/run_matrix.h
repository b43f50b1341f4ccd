#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "experiment/experiment.h"
#include "experiment/results.h"

namespace experiment {

struct MatrixOptions {
  std::filesystem::path folder;  // of the experiment
  double minutes = 0;            // begins no further run after this long; 0: no bound
};

// Where an experiment keeps a run: FOLDER/runs/VARIANT-SEED.
std::filesystem::path run_folder(const std::filesystem::path& folder, const std::string& variant,
                                 int seed);

// Does every run of a plan that is not done, seed by seed, and says what came of those that are. A
// run of a seed takes over the stages of an earlier variant's whose settings are the same. What was
// stopped goes on with the same call. Throws base::UsageError where a variant's settings are
// refused, before the first run.
std::vector<Outcome> run_matrix(const Plan& plan, const MatrixOptions& options,
                                base::Console& console);

// Throws base::UsageError where a variant's settings are refused, naming it; base::DataError where
// there is no such recipe.
void check_variants(const Plan& plan);

// What came of a finished run; nothing where it has no report.
std::optional<Outcome> read_outcome(const Plan& plan, const std::filesystem::path& run,
                                    const std::string& variant, int seed);

}  // namespace experiment
