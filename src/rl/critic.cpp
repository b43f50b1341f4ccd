#include "rl/critic.h"

#include "base/error.h"

namespace rl {

Critic::Critic(const model::LanguageModel& policy, const RlSettings& settings, torch::Dtype type)
    : type_(type) {
  head_.add("value.weight", torch::zeros({policy.config.width}, policy.device()));
  head_.add("value.bias", torch::zeros({1}, policy.device()));
  if (settings.critic == "apart") own_ = policy.copy();
  if (!own_ && settings.critic_warmup == 0) return;
  std::vector<torch::Tensor> all = head_.tensors();
  if (own_)
    for (const torch::Tensor& tensor : own_->trained().tensors()) all.push_back(tensor);
  optimiser_ = std::make_unique<train::AdamW>(all, adam_options(settings));
}

ValueHead Critic::head() const { return {head_.at("value.weight"), head_.at("value.bias")}; }

std::optional<model::Weights> Critic::weights() const {
  if (!own_) return std::nullopt;
  return model::cast(*own_, type_);
}

double Critic::step(double learning_rate, double max_norm) {
  base::check(optimiser_ != nullptr, "rl: the critic does not learn by itself");
  return optimiser_->step(learning_rate, max_norm);
}

void Critic::save(model::TensorMap& tensors) const {
  model::add_prefixed(tensors, head_.values(), "critic.");
  if (own_) model::add_prefixed(tensors, own_->trained().values(), "critic_model.");
  if (optimiser_) optimiser_->save(tensors, "critic_optimiser.");
}

void Critic::load(const model::TensorMap& tensors) {
  head_.assign(model::with_prefix(tensors, "critic."), "checkpoint");
  if (own_) own_->trained().assign(model::with_prefix(tensors, "critic_model."), "checkpoint");
  if (optimiser_) optimiser_->load(tensors, "critic_optimiser.");
}

}  // namespace rl
