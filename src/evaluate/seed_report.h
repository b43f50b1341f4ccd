#pragma once

#include <filesystem>

#include "evaluate/seed_comparison.h"

namespace evaluate {

// Writes FOLDER/report.json (attune.comparison/1, docs/formats.md), FOLDER/report.html, one file
// without outside requests, and FOLDER/tables. Each file and folder whole or not at all; throws
// base::ResourceError.
void write_comparison(const std::filesystem::path& folder, const RunsComparison& comparison);

}  // namespace evaluate
