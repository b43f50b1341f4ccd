#pragma once

#include <functional>
#include <vector>

#include "base/random.h"
#include "base/run_log.h"
#include "model/checkpoint.h"
#include "recommend/model_folder.h"
#include "reward/reward_model.h"
#include "rl/kl.h"
#include "rl/places.h"
#include "rl/settings.h"
#include "rl/slot_states.h"
#include "train/adamw.h"

namespace rl {

// What every item is worth at a place by something else than the reward model, in the catalogue's
// order, in units in which it varies by about 1 (rl.reward=gold or unpopular).
using ItemWorth = std::function<std::vector<float>(const Place& place)>;

// The half of the update that learns the item slot from rewards: the exact expected gradient over
// the catalogue (item_slot.h), with a KL budget of its own. The language model's hidden states are
// inputs here. click_trainer.h learns it from clicks.
class ItemTrainer {
 public:
  // Trains `policy` in place. Keeps references: all must outlive it. `start` ranks as the reference
  // does, on the hidden states of `reference`. worth: asked in place of the reward model where
  // items_have_worth(settings); must be there then.
  ItemTrainer(recommend::Ranker& policy, const recommend::TrainedModel& start,
              const model::Weights& reference, const reward::RewardModel& reward,
              const RlSettings& settings, ItemWorth worth = {});

  // settings.item_steps steps, each over states drawn from `places`. `at`: seed and iteration (from
  // 1). At the first step of iteration 1 the KL must be 0, else base::Error(internal). Returns what
  // the log shows.
  base::Metrics update(const model::Weights& current, const std::vector<Place>& places,
                       double learning_rate, const base::RandomPlace& at);

  // Of the policy as it is, over states drawn from `places`, nats.
  double measure_kl(const model::Weights& current, const std::vector<Place>& places,
                    const base::RandomPlace& at) const;

  double kl() const { return last_kl_; }  // of the last update, nats

  // Everything but the policy's weights, for checkpoints.
  void save(model::Checkpoint& checkpoint) const;
  void load(const model::Checkpoint& checkpoint);

 private:
  struct Batch;
  torch::Tensor worth_of(const std::vector<Place>& chosen) const;                   // [B, N]
  torch::Tensor learned_rewards(const std::vector<dialogue::State>& states) const;  // [B, N]
  torch::Tensor exchanged(std::uint64_t seed) const;                                // [N]
  Batch make_batch(const std::vector<Place>& chosen, const std::vector<dialogue::State>& states,
                   SlotStates slots, std::uint64_t seed) const;

  recommend::Ranker& policy_;
  const recommend::TrainedModel& start_;
  const SlotReference reference_;
  const reward::RewardModel& reward_;
  const RlSettings& settings_;
  train::AdamW optimiser_;
  KlController kl_;
  const bool imitates_;    // what people recommended, and nothing else: algorithm=sft
  const bool rewarded_;    // by the reward model
  const ItemWorth worth_;  // empty: the reward model's
  double last_kl_ = 0;
};

}  // namespace rl
