#include "rl/advantages.h"

#include "base/error.h"
#include "rl/masked.h"

namespace rl {

Advantages estimate_advantages(const torch::Tensor& rewards, const torch::Tensor& values,
                               const torch::Tensor& mask, const GaeOptions& options) {
  base::check(
      rewards.dim() == 2 && rewards.sizes() == values.sizes() && rewards.sizes() == mask.sizes(),
      "estimate_advantages: rewards ", rewards.sizes(), ", values ", values.sizes(), ", mask ",
      mask.sizes());
  const std::int64_t batch = rewards.size(0), length = rewards.size(1);
  base::check(!options.bootstrap.defined() ||
                  (options.bootstrap.dim() == 1 && options.bootstrap.size(0) == batch),
              "estimate_advantages: a bootstrap that is not [B], B = ", batch);
  const torch::Tensor reward = rewards.to(torch::kFloat64).contiguous(),
                      value = values.to(torch::kFloat64).contiguous(),
                      counts = mask.to(torch::kBool).contiguous(),
                      after = options.bootstrap.defined()
                                  ? options.bootstrap.to(torch::kFloat64).contiguous()
                                  : torch::zeros({batch}, torch::kFloat64),
                      advantages = torch::zeros({batch, length}, torch::kFloat64),
                      returns = torch::zeros({batch, length}, torch::kFloat64);
  for (std::int64_t b = 0; b < batch; ++b) {
    double next_value = after.data_ptr<double>()[b], next_advantage = 0;
    for (std::int64_t t = length - 1; t >= 0; --t) {
      const std::int64_t i = b * length + t;
      if (!counts.data_ptr<bool>()[i]) continue;
      const double v = value.data_ptr<double>()[i];
      const double delta = reward.data_ptr<double>()[i] + options.discount * next_value - v;
      next_advantage = delta + options.discount * options.lambda * next_advantage;
      next_value = v;
      advantages.data_ptr<double>()[i] = next_advantage;
      returns.data_ptr<double>()[i] = next_advantage + v;
    }
  }
  return {advantages.to(rewards.scalar_type()), returns.to(rewards.scalar_type())};
}

torch::Tensor returns_to_go(const torch::Tensor& rewards, const torch::Tensor& mask,
                            double discount) {
  return estimate_advantages(rewards, torch::zeros_like(rewards), mask,
                             {.discount = discount, .lambda = 1})
      .advantages;
}

torch::Tensor reinforce_pp_advantages(const torch::Tensor& rewards, const torch::Tensor& mask,
                                      double discount) {
  return whiten(returns_to_go(rewards, mask, discount), mask);
}

}  // namespace rl
