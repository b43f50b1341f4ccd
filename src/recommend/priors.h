#pragma once

#include <string>
#include <vector>

#include "recommend/context.h"
#include "recommend/tables.h"

namespace recommend {

// Scores of the whole catalogue that are counted, not learned. `without`: the dialogue that the
// context comes from, taken out of the counts while training on it; null at any other time. row:
// [N], overwritten. Formulas: docs/metrics.md.
using Prior = void (*)(const RankContext& context, const RankerTables& tables,
                       const DialogueCounts* without, float* row);

struct NamedPrior {
  std::string name;
  Prior prior;
};

// All priors there are:
// "graph"              log(.02 + sum over entities e that r shares with items named so far of
//                      1 / (log(3 + deg e) sqrt(1 + deg e) sqrt(1 + recency rank of the item)))
// "stated"             log(.02 + sum over entities e of r that the words name of
//                      3 / (log(3 + deg e) sqrt(1 + recency rank of e)))
// "neighbours"         log(.001 + share of the votes of the 200 most similar training contexts)
// "popularity"         log(1 + pop_r)
// "recent_popularity"  log(.5 + recommendations in the last 1,500 training dialogues)
const std::vector<NamedPrior>& all_priors();

}  // namespace recommend
