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
  std::filesystem::path folder;    // of the experiment
  double minutes = 0;              // begins no further run after this long; 0: no bound
  std::vector<int> seeds = {};     // whose runs are made; empty: all of the plan's
  std::vector<Outcome> made = {};  // elsewhere (outcomes_made): their runs are not made again
};

// Where an experiment keeps a run: FOLDER/runs/VARIANT-SEED.
std::filesystem::path run_folder(const std::filesystem::path& folder, const std::string& variant,
                                 int seed);

// Does every run of a plan that is not done, seed by seed, and says what came of those that are. A
// run of a seed takes over the stages of an earlier variant's whose settings are the same. What was
// stopped goes on with the same call. FOLDER/outcomes.json is written after each run. Throws
// base::UsageError where a variant's settings are refused, before the first run.
std::vector<Outcome> run_matrix(const Plan& plan, const MatrixOptions& options,
                                base::Console& console);

// Throws base::UsageError where a variant's settings are refused, naming it; base::DataError where
// there is no such recipe.
void check_variants(const Plan& plan);

// A SHA-256 of all that decides a run: its seed and the settings that are not the defaults, without
// folders and threads; so it stays as it is when settings are added.
std::string settings_sum(const Plan& plan, const Variant& variant, int seed);

// The outcomes of files (outcomes.h) that a run of the plan would have, whatever the variant was
// called there; says how many others they hold. Throws base::DataError.
std::vector<Outcome> outcomes_made(const Plan& plan,
                                   const std::vector<std::filesystem::path>& files,
                                   base::Console& console);

// What came of a finished run; nothing where it has no report.
std::optional<Outcome> read_outcome(const Plan& plan, const std::filesystem::path& run,
                                    const std::string& variant, int seed);

}  // namespace experiment
