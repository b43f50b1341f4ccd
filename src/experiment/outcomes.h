#pragma once

#include <filesystem>
#include <vector>

#include "experiment/results.h"

namespace experiment {

// What runs came to as a file (attune.experiment_outcomes/1, docs/formats.md): with it an
// experiment goes on elsewhere, without the runs' folders. Throws base::ResourceError.
void write_outcomes(const std::filesystem::path& file, const std::vector<Outcome>& outcomes);

// Throws base::DataError for what is not such a file.
std::vector<Outcome> read_outcomes(const std::filesystem::path& file);

}  // namespace experiment
