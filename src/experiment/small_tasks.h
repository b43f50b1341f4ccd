#pragma once

#include <filesystem>
#include <string>

#include "base/progress.h"

namespace experiment {

// Small tasks that others have figures of, by the program's own trainer or its advantages and
// losses: one token, random walks, CartPole; five seeds each. Writes folder/results.md and returns
// it.
std::string run_small_tasks(const std::filesystem::path& folder, base::Console& console);

}  // namespace experiment
