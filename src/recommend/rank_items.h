#pragma once

#include <vector>

#include "dialogue/recommender.h"
#include "recommend/constraints.h"
#include "recommend/model_folder.h"

namespace recommend {

// An item in a ranking, and what speaks for it.
struct RankedItem {
  int item = 0;
  double log_prob = 0;                    // natural log of its probability over the catalogue
  std::vector<dialogue::Reason> reasons;  // the strongest first; none where not asked for
};

enum class Reasons { given, left_out };

// The `top` best items that fit, best first; fewer where fewer fit. recommender: of that model.
// diversity: as choose_items has it.
std::vector<RankedItem> rank_items(dialogue::Recommender& recommender, const TrainedModel& model,
                                   const dialogue::State& state, const Constraints& constraints,
                                   std::size_t top, double diversity,
                                   Reasons reasons = Reasons::given);

}  // namespace recommend
