#pragma once

#include <vector>

#include "model/parameters.h"
#include "recommend/context.h"

namespace recommend {

// Whether the next item is one already named, and which: a conditional logit over the items named
// so far and "a new one", whose utility is 0. Features of a named item: recency rank, turns since,
// who named it, how often, how many there are, what was said of it.
class CopyModel {
 public:
  static constexpr int kFeatures = 12;

  // Adds copy.weights, [kFeatures], at "never copy" to the parameters.
  static void add_parameters(model::ParameterSet& parameters);

  // log P for each item named in the context, in the order of context.items, and last of "a new
  // one": [n + 1].
  static torch::Tensor log_probs(const RankContext& context, const torch::Tensor& weights);

  // Fits the weights to examples by gradient ascent on the likelihood (a few hundred numbers:
  // seconds).
  static void fit(const std::vector<RankExample>& examples, model::ParameterSet& parameters);
};

}  // namespace recommend
