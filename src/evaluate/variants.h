#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"

namespace evaluate {

// A run that has been evaluated.
struct FinishedRun {
  std::string name;  // to tell it by: its folder
  std::int64_t seed = 1;
  std::string recipe;   // the recipe's own name
  base::Json settings;  // flat, path to value, without the seed and what changes no result
  std::filesystem::path evaluation;  // the folder that its evaluation left (docs/formats.md)
};

// A recipe, whatever its seed: runs whose settings are equal.
struct Variant {
  // The recipe's, where that tells the variants apart; else the settings that do, "rl.epochs=2".
  std::string name;
  base::Json settings;  // path to value, of the settings in which variants differ
  std::vector<FinishedRun> runs;
};

// In the order of their first runs, at least one run. Throws base::UsageError where two runs of one
// variant have one seed.
std::vector<Variant> group_by_variant(const std::vector<FinishedRun>& runs);

}  // namespace evaluate
