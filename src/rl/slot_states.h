#pragma once

#include <vector>

#include "recommend/model_folder.h"

namespace rl {

// States in which the item slot is to be filled, as a policy in training and the model that it
// started from see them. B = states, N = items.
struct SlotStates {
  recommend::RankBatch policy;  // all but its items, which change with every step
  torch::Tensor reference;      // [B, N]: natural log-probabilities of new items; no gradient
};

// The item slot's reference: the start model's ranker on the hidden states of its language model.
class SlotReference {
 public:
  // weights: of start.language. Keeps references: both must outlive it.
  SlotReference(const recommend::TrainedModel& start, const model::Weights& weights);

  // What is to be seen at each of several steps, whose states the language models read all at a
  // time (recommend::language_hidden says what that spares). current: the one that the policy
  // reads, as it is at all of these steps.
  std::vector<SlotStates> read(const recommend::Ranker& policy, const model::Weights& current,
                               const std::vector<std::vector<dialogue::State>>& steps) const;

 private:
  const recommend::TrainedModel& start_;
  const model::Weights& weights_;
  recommend::ItemTables items_;
};

}  // namespace rl
