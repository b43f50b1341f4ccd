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

// What the policy's language model and the reference's make of states: [S, C] float each, undefined
// where the ranker reads none.
struct SlotHidden {
  torch::Tensor policy, reference;

  SlotHidden rows(std::int64_t first, std::int64_t count) const;
};

// The item slot's reference: the start model's ranker on the hidden states of its language model.
class SlotReference {
 public:
  // weights: of start.language. Keeps references: both must outlive it.
  SlotReference(const recommend::TrainedModel& start, const model::Weights& weights);

  // current: the language model that the policy reads. Many states at a time: what those of a
  // dialogue have in common is read once.
  SlotHidden read(const recommend::Ranker& policy, const model::Weights& current,
                  const std::vector<dialogue::State>& states) const;

  // hidden: of these states.
  SlotStates see(const recommend::Ranker& policy, const std::vector<dialogue::State>& states,
                 const SlotHidden& hidden) const;

 private:
  const recommend::TrainedModel& start_;
  const model::Weights& weights_;
  recommend::ItemTables items_;
};

}  // namespace rl
