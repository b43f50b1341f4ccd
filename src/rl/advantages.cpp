#include "rl/advantages.h"

#include "base/error.h"

namespace rl {

Advantages estimate_advantages(const torch::Tensor& rewards, const torch::Tensor& values,
                               const torch::Tensor& mask, const GaeOptions& options) {
  base::check(
      rewards.dim() == 2 && rewards.sizes() == values.sizes() && rewards.sizes() == mask.sizes(),
      "estimate_advantages: rewards ", rewards.sizes(), ", values ", values.sizes(), ", mask ",
      mask.sizes());
  const torch::Tensor reward = rewards.to(torch::kFloat32).contiguous(),
                      value = values.to(torch::kFloat32).contiguous(),
                      counts = mask.to(torch::kBool).contiguous();
  const std::int64_t batch = reward.size(0), length = reward.size(1);
  Advantages out{torch::zeros({batch, length}), torch::zeros({batch, length})};
  for (std::int64_t b = 0; b < batch; ++b) {
    double next_value = 0, next_advantage = 0;
    for (std::int64_t t = length - 1; t >= 0; --t) {
      const std::int64_t i = b * length + t;
      if (!counts.data_ptr<bool>()[i]) continue;
      const double v = value.data_ptr<float>()[i];
      const double delta = reward.data_ptr<float>()[i] + options.discount * next_value - v;
      next_advantage = delta + options.discount * options.lambda * next_advantage;
      next_value = v;
      out.advantages.data_ptr<float>()[i] = static_cast<float>(next_advantage);
      out.returns.data_ptr<float>()[i] = static_cast<float>(next_advantage + v);
    }
  }
  return out;
}

}  // namespace rl
