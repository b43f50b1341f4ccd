#include "rl/kl.h"

#include <algorithm>

namespace rl {

torch::Tensor kl_k1(const torch::Tensor& log_probs, const torch::Tensor& reference) {
  return log_probs - reference;
}

torch::Tensor kl_k2(const torch::Tensor& log_probs, const torch::Tensor& reference) {
  return (log_probs - reference).square() / 2;
}

torch::Tensor kl_k3(const torch::Tensor& log_probs, const torch::Tensor& reference) {
  const torch::Tensor difference = reference - log_probs;
  return difference.exp() - 1 - difference;
}

torch::Tensor exact_kl(const torch::Tensor& log_p, const torch::Tensor& log_q) {
  const torch::Tensor p = log_p.exp();
  return at::where(p > 0, p * (log_p - log_q), torch::zeros_like(p)).sum(-1);
}

void KlController::update(double kl, std::int64_t episodes) {
  if (options_.target <= 0) return;
  const double error = std::clamp(kl / options_.target - 1, -.2, .2);
  beta_ = std::clamp(beta_ * (1 + error * static_cast<double>(episodes) / options_.horizon),
                     options_.floor, options_.ceiling);
}

}  // namespace rl
