#pragma once

#include <filesystem>

#include "experiment/results.h"

namespace experiment {

// Writes FOLDER/results.md, for people and repositories, FOLDER/report.html, one file without
// outside requests, FOLDER/report.json (attune.experiment_results/1, docs/formats.md) and
// FOLDER/tables. command: what makes them again. Each whole or not at all; throws
// base::ResourceError.
void write_results(const std::filesystem::path& folder, const Plan& plan, const Results& results,
                   const std::string& command);

}  // namespace experiment
