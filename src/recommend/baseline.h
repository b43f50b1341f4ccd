#pragma once

#include <functional>
#include <string>
#include <vector>

#include "dialogue/state.h"
#include "recommend/tables.h"

namespace recommend {

// What a baseline may learn from.
struct BaselineInput {
  const RankerTables& tables;
  const std::vector<const dialogue::Dialogue*>& training;
};

// Positive weights of all items for a state, the better the larger; [N].
using ItemWeights = std::function<std::vector<double>(const dialogue::State&)>;

// One way of recommending that every model must beat: one file a kind, listed in baselines.cpp.
struct BaselineKind {
  std::string name;                   // of its row: "ease"
  std::vector<std::string> settings;  // those to choose among on validation, as a report says them
  std::string tuned_on;               // the protocol whose HR@10 chooses: "v2", or "v1" for copying
  // Fits the baseline with one of the settings. What it returns refers to the input's tables.
  ItemWeights (*fit)(const BaselineInput& input, std::size_t setting);
};

BaselineKind popularity_baseline();
BaselineKind copy_baseline();
BaselineKind cooccurrence_baseline();
BaselineKind ease_baseline();
BaselineKind neighbours_baseline();
BaselineKind graph_baseline();
BaselineKind graph_cooccurrence_baseline();
BaselineKind graph_cooccurrence_copy_baseline();

// Shared by several: recommender's messages of the training dialogues that name an item, plus .5,
// so that items never recommended stay possible.
std::vector<double> popularity_weights(const Counts& counts);

// sum over items m named so far of n(m, r) / sqrt((n_m + 5)(pop_r + 5)).
std::vector<double> cooccurrence_weights(const dialogue::State& state, const Counts& counts);

// weights + popularity, scaled so far down that it only decides between equal weights.
std::vector<double> ties_by_popularity(std::vector<double> weights, const Counts& counts);

}  // namespace recommend
