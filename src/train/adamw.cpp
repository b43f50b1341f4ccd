#include "train/adamw.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "kernels/adamw.h"

namespace train {

AdamW::AdamW(std::vector<torch::Tensor> parameters, const AdamWOptions& options)
    : groups_{{{}, {}, {}, {}, {}, options.weight_decay}, {{}, {}, {}, {}, {}, 0.}},
      options_(options) {
  for (torch::Tensor& parameter : parameters) {
    Group& group = groups_[parameter.dim() >= 2 ? 0 : 1];
    group.first_moments.push_back(torch::zeros_like(parameter.detach()));
    group.second_moments.push_back(torch::zeros_like(parameter.detach()));
    group.steps.push_back(torch::zeros({}, parameter.detach().options()));
    group.parameters.push_back(std::move(parameter));
  }
}

void AdamW::use_copies(std::vector<torch::Tensor> copies) {
  std::array<std::vector<torch::Tensor>, 2> found;
  for (torch::Tensor& copy : copies) {
    const std::size_t at = copy.dim() >= 2 ? 0 : 1;
    const std::vector<torch::Tensor>& parameters = groups_[at].parameters;
    base::check(found[at].size() < parameters.size() &&
                    parameters[found[at].size()].sizes() == copy.sizes() &&
                    parameters[found[at].size()].is_cpu() && copy.is_cpu() &&
                    copy.is_contiguous() && copy.scalar_type() == torch::kBFloat16,
                "AdamW: a copy of shape ", copy.sizes(),
                " is none of the parameter's in its place");
    found[at].push_back(std::move(copy));
  }
  for (const std::size_t at : {0, 1})
    base::check(found[at].size() == groups_[at].parameters.size(), "AdamW: copies of ",
                found[at].size(), " of ", groups_[at].parameters.size(), " parameters");
  for (const std::size_t at : {0, 1}) groups_[at].copies = std::move(found[at]);
}

double AdamW::gradient_norm() {
  std::vector<torch::Tensor> gradients;
  for (Group& group : groups_)
    for (torch::Tensor& leaf : group.leaves()) {
      if (!leaf.grad().defined()) leaf.mutable_grad() = torch::zeros_like(leaf);
      if (!leaf.grad().is_contiguous()) leaf.mutable_grad() = leaf.grad().contiguous();
      gradients.push_back(leaf.grad());
    }
  if (gradients.empty()) return 0;
  if (gradients[0].is_cpu()) return kernels::global_norm(gradients);
  // Read together: a GPU is waited for once.
  const torch::Tensor norms = at::stack(at::_foreach_norm(gradients, 2)).cpu();
  double square = 0;
  for (std::int64_t i = 0; i < norms.size(0); ++i)
    square += std::pow(static_cast<double>(norms.data_ptr<float>()[i]), 2);
  return std::sqrt(square);
}

void AdamW::step_group(Group& group, double learning_rate, double divisor) const {
  at::_foreach_add_(group.steps, 1);
  const double step = group.steps[0].item<double>();
  const double epsilon = options_.form == AdamForm::pytorch
                             ? options_.epsilon
                             : options_.epsilon / std::sqrt(1 - std::pow(options_.beta2, step));
  if (group.parameters[0].is_cpu()) {
    std::vector<kernels::AdamWTensors> all;
    for (std::size_t i = 0; i < group.parameters.size(); ++i)
      all.push_back({group.parameters[i], group.leaves()[i].grad(), group.first_moments[i],
                     group.second_moments[i],
                     group.copies.empty() ? torch::Tensor() : group.copies[i]});
    kernels::adamw_step(all, {learning_rate, options_.beta1, options_.beta2, epsilon,
                              group.weight_decay, step, divisor});
    return;
  }
  std::vector<torch::Tensor> gradients;
  for (torch::Tensor& parameter : group.parameters) gradients.push_back(parameter.grad());
  // The fused kernel divides the gradients by this on its way.
  std::optional<torch::Tensor> by;
  if (divisor != 1) by = torch::tensor(static_cast<float>(divisor)).to(group.steps[0].device());
  at::_fused_adamw_(group.parameters, gradients, group.first_moments, group.second_moments, {},
                    group.steps, learning_rate, options_.beta1, options_.beta2, group.weight_decay,
                    epsilon, /*amsgrad=*/false, /*maximize=*/false, by);
}

double AdamW::step(double learning_rate, double max_norm) {
  torch::NoGradGuard no_grad;
  const double norm = gradient_norm();
  if (std::isfinite(norm))
    for (Group& group : groups_)
      if (!group.parameters.empty())
        step_group(group, learning_rate, max_norm > 0 && norm > max_norm ? norm / max_norm : 1);
  clear_gradients();
  return norm;
}

void AdamW::clear_gradients() {
  for (Group& group : groups_)
    for (torch::Tensor& leaf : group.leaves()) leaf.mutable_grad() = torch::Tensor();
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
