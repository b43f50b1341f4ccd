#include "train/adamw.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"

namespace train {

AdamW::AdamW(std::vector<torch::Tensor> parameters, const AdamWOptions& options)
    : groups_{{{}, {}, {}, {}, options.weight_decay}, {{}, {}, {}, {}, 0.}}, options_(options) {
  for (torch::Tensor& parameter : parameters) {
    Group& group = groups_[parameter.dim() >= 2 ? 0 : 1];
    group.first_moments.push_back(torch::zeros_like(parameter.detach()));
    group.second_moments.push_back(torch::zeros_like(parameter.detach()));
    group.steps.push_back(torch::zeros({}, parameter.detach().options()));
    group.parameters.push_back(std::move(parameter));
  }
}

double AdamW::gradient_norm() {
  std::vector<torch::Tensor> gradients;
  for (Group& group : groups_)
    for (torch::Tensor& parameter : group.parameters) {
      if (!parameter.grad().defined()) parameter.mutable_grad() = torch::zeros_like(parameter);
      gradients.push_back(parameter.grad());
    }
  if (gradients.empty()) return 0;
  // Read together: a GPU is waited for once.
  const torch::Tensor norms = at::stack(at::_foreach_norm(gradients, 2)).cpu();
  double square = 0;
  for (std::int64_t i = 0; i < norms.size(0); ++i)
    square += std::pow(static_cast<double>(norms.data_ptr<float>()[i]), 2);
  return std::sqrt(square);
}

double AdamW::step(double learning_rate, double max_norm) {
  torch::NoGradGuard no_grad;
  const double norm = gradient_norm();
  if (std::isfinite(norm)) {
    // The fused kernel divides the gradients by this on its way.
    std::optional<torch::Tensor> divisor;
    for (Group& group : groups_) {
      if (group.parameters.empty()) continue;
      if (max_norm > 0 && norm > max_norm)
        divisor = torch::tensor(static_cast<float>(norm / max_norm)).to(group.steps[0].device());
      std::vector<torch::Tensor> gradients;
      for (torch::Tensor& parameter : group.parameters) {
        gradients.push_back(parameter.grad());
      }
      at::_foreach_add_(group.steps, 1);
      const double epsilon =
          options_.form == AdamForm::pytorch
              ? options_.epsilon
              : options_.epsilon /
                    std::sqrt(1 - std::pow(options_.beta2, group.steps[0].item<double>()));
      at::_fused_adamw_(group.parameters, gradients, group.first_moments, group.second_moments, {},
                        group.steps, learning_rate, options_.beta1, options_.beta2,
                        group.weight_decay, epsilon,
                        /*amsgrad=*/false, /*maximize=*/false, divisor);
    }
  }
  clear_gradients();
  return norm;
}

void AdamW::clear_gradients() {
  for (Group& group : groups_)
    for (torch::Tensor& parameter : group.parameters) parameter.mutable_grad() = torch::Tensor();
}

void AdamW::save(model::TensorMap& tensors, const std::string& prefix) const {
  for (std::size_t g = 0; g < groups_.size(); ++g)
    for (std::size_t i = 0; i < groups_[g].parameters.size(); ++i) {
      const std::string name = base::concatenate(prefix, g, ".", i);
      tensors[name + ".first"] = groups_[g].first_moments[i];
      tensors[name + ".second"] = groups_[g].second_moments[i];
      tensors[name + ".step"] = groups_[g].steps[i];
    }
}

void AdamW::load(const model::TensorMap& tensors, const std::string& prefix) {
  torch::NoGradGuard no_grad;
  const auto take = [&](torch::Tensor& to, const std::string& name) {
    const auto found = tensors.find(name);
    if (found == tensors.end() || found->second.sizes() != to.sizes())
      throw base::Error(base::ErrorKind::data,
                        "the checkpoint's optimiser state " + name + " is missing or misshapen");
    to.copy_(found->second);
  };
  for (std::size_t g = 0; g < groups_.size(); ++g)
    for (std::size_t i = 0; i < groups_[g].parameters.size(); ++i) {
      const std::string name = base::concatenate(prefix, g, ".", i);
      take(groups_[g].first_moments[i], name + ".first");
      take(groups_[g].second_moments[i], name + ".second");
      take(groups_[g].steps[i], name + ".step");
    }
}

double cosine_schedule(std::int64_t step, std::int64_t warmup, std::int64_t total) {
  if (step <= warmup)
    return static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(warmup, 1));
  const double done = static_cast<double>(step - warmup) /
                      static_cast<double>(std::max<std::int64_t>(total - warmup, 1));
  return .5 * (1 + std::cos(3.14159265358979323846 * std::min(done, 1.)));
}

}  // namespace train
