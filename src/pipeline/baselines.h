#pragma once

#include <string>
#include <vector>

#include "base/progress.h"
#include "recommend/baselines.h"

namespace pipeline {

// A baseline with the setting that was best on validation.
struct TunedBaseline {
  std::string name;
  std::string setting;  // as a report says it; empty: nothing to choose
  recommend::ItemWeights weights;
};

// Fits the baselines of those names (empty: all) with each of their settings and keeps the one with
// the highest HR@10 on the validation dialogues, of the protocol that the kind is tuned on. What it
// returns refers to the input's tables. Throws base::UsageError where there is no such baseline.
std::vector<TunedBaseline> tune_baselines(const std::vector<std::string>& names,
                                          const recommend::BaselineInput& input,
                                          const std::vector<const dialogue::Dialogue*>& validation,
                                          const dialogue::StateOptions& state,
                                          const dialogue::Catalogue& catalogue,
                                          base::Console& console);

}  // namespace pipeline
