#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "experiment/experiment.h"
#include "experiment/results.h"
#include "pipeline/recipe.h"

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
// run of a seed takes over stages from the other variants' (take_over_stages); one that was made by
// other settings is made anew. What was stopped goes on with the same call. FOLDER/outcomes.json is
// written after each run, and at the end with what was made elsewhere. Throws base::UsageError
// where a variant's settings are refused, before the first run.
std::vector<Outcome> run_matrix(const Plan& plan, const MatrixOptions& options,
                                base::Console& console);

// Throws base::UsageError where a variant's settings are refused, naming it; base::DataError where
// there is no such recipe.
void check_variants(const Plan& plan);

// A SHA-256 of all that decides a run: its seed and the settings that are not the defaults, without
// the run's folder and threads; so it stays as it is when settings are added. Files and folders
// that are read count by their names: they lie elsewhere on every machine.
std::string settings_sum(pipeline::Recipe recipe);
std::string settings_sum(const Plan& plan, const Variant& variant, int seed);

// Copies finished stages up to the reward's from the first of `runs` that has them with the
// settings of `recipe` and made from the same stages, where recipe.folder() has none. Throws
// base::DataError for a stage whose files cannot be read.
void take_over_stages(const std::vector<std::filesystem::path>& runs,
                      const pipeline::Recipe& recipe);

// The outcomes of files (outcomes.h) that a run of the plan would have, whatever the variant was
// called there; says how many others they hold. Where several files have a run, its numbers are put
// together. Throws base::DataError, also where two say otherwise of one number.
std::vector<Outcome> outcomes_made(const Plan& plan,
                                   const std::vector<std::filesystem::path>& files,
                                   base::Console& console);

// What came of a finished run; nothing where it has no report or its resolved recipe has other
// settings than the plan. Throws base::UsageError, base::DataError where that recipe cannot be
// read.
std::optional<Outcome> read_outcome(const Plan& plan, const std::filesystem::path& run,
                                    const Variant& variant, int seed);

}  // namespace experiment
