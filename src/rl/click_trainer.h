#pragma once

#include <string>
#include <vector>

#include "base/random.h"
#include "base/run_log.h"
#include "feedback/clicks.h"
#include "model/checkpoint.h"
#include "rl/click_losses.h"
#include "rl/settings.h"
#include "rl/slot_states.h"
#include "train/adamw.h"

namespace rl {

// The half of the update that learns the item slot straight from what people took up in the logs
// (click_losses.h), in place of ItemTrainer where settings.items is "clicks". No reward model is
// asked.
class ClickTrainer {
 public:
  // Trains `policy` in place. Keeps references: all must outlive it. reference: the weights of
  // start.language. Throws base::Error(data) where the algorithm cannot learn from these slates:
  // nothing was taken up, or for dpo no slate has something taken up beside something that was not.
  ClickTrainer(recommend::Ranker& policy, const recommend::TrainedModel& start,
               const model::Weights& reference, std::vector<feedback::Slate> slates,
               const RlSettings& settings);

  // settings.item_steps steps, each over settings.item_states slates. Where the KL then is above
  // settings.item_kl_target (0: no budget), the steps are taken back and from then on they are half
  // as large. `at`: seed and iteration (from 1). At the first step of iteration 1 the KL must be 0,
  // else base::Error(internal). Returns what the log shows.
  base::Metrics update(const model::Weights& current, double learning_rate,
                       const base::RandomPlace& at);

  double kl() const { return last_kl_; }  // after the last update, nats

  // What there is to learn from, in words: a line, and for kto another one on how its two sides
  // balance.
  std::vector<std::string> describe() const;

  // Everything but the policy's weights, for checkpoints.
  void save(model::Checkpoint& checkpoint) const;
  void load(const model::Checkpoint& checkpoint);

 private:
  std::vector<const feedback::Slate*> draw_slates(const base::RandomPlace& at) const;
  std::vector<dialogue::State> states_of(const std::vector<const feedback::Slate*>& chosen) const;
  // Of the policy as it is, over slates of their own: mean KL and entropy.
  struct Distance {
    double kl = 0, entropy = 0;
  };
  Distance measure(const model::Weights& current, const base::RandomPlace& at) const;

  recommend::Ranker& policy_;
  const recommend::TrainedModel& start_;
  const SlotReference reference_;
  std::vector<feedback::Slate> slates_;  // those that teach
  const RlSettings& settings_;
  const AlgorithmSettings method_;  // settings_, resolved; weight_scope "auto" is batch
  train::AdamW optimiser_;
  double step_share_ = 1;  // halved whenever steps were taken back
  double last_kl_ = 0;
};

}  // namespace rl
