#pragma once

#include <memory>
#include <optional>

#include "model/checkpoint.h"
#include "model/forward.h"
#include "rl/settings.h"
#include "rl/token_policy.h"
#include "train/adamw.h"

namespace rl {

// The value function of ppo: a linear head, starting at 0, on last hidden states. Those of the
// policy's trunk, which then learns from both losses; or (settings.critic=apart) those of a
// language model of its own, a copy of what the policy starts as, which learns from the value loss
// alone.
class Critic {
 public:
  // settings: resolved and checked. Where the policy is trained by an adapter, so is the copy.
  Critic(const model::LanguageModel& policy, const RlSettings& settings, torch::Dtype type);

  // Whether the policy's hidden states are read, and where they are, the head for them.
  bool on_trunk() const { return !own_; }
  ValueHead head() const;
  std::vector<torch::Tensor> head_parameters() const { return head_.tensors(); }

  // The language model apart, differentiable; nothing on the trunk.
  std::optional<model::Weights> weights() const;

  // A step of what the value loss alone reaches, by an optimiser of its own: the language model
  // apart and the head; on the trunk (in the warm-up) the head. Arguments and result are those of
  // AdamW::step.
  double step(double learning_rate, double max_norm);

  // Under "critic…", for checkpoints.
  void save(model::TensorMap& tensors) const;
  void load(const model::TensorMap& tensors);

 private:
  torch::Dtype type_;
  model::ParameterSet head_;
  std::optional<model::LanguageModel> own_;
  std::unique_ptr<train::AdamW> optimiser_;  // none where the policy's steps the head always
};

}  // namespace rl
