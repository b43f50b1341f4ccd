#include "rl/kl.h"

#include <algorithm>

#include "base/error.h"

namespace rl {
namespace {

torch::Tensor held(const torch::Tensor& x, double limit) {
  return limit > 0 ? x.clamp(-limit, limit) : x;
}

torch::Tensor zero_outside(const torch::Tensor& x, const torch::Tensor& mask) {
  return x.masked_fill(mask.logical_not(), 0);
}

}  // namespace

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

torch::Tensor kl_estimate(KlEstimator estimator, const torch::Tensor& log_probs,
                          const torch::Tensor& reference, const KlClamp& clamp) {
  const torch::Tensor log_ratio = held(log_probs - reference, clamp.input),
                      zero = torch::zeros_like(log_ratio);
  switch (estimator) {
    case KlEstimator::k1:
      return held(kl_k1(log_ratio, zero), clamp.output);
    case KlEstimator::k2:
      return held(kl_k2(log_ratio, zero), clamp.output);
    case KlEstimator::k3:
      return held(kl_k3(log_ratio, zero), clamp.output);
    case KlEstimator::absolute:
      return held(log_ratio.abs(), clamp.output);
  }
  base::check(false, "an estimator of KL without a name");
  return {};
}

torch::Tensor exact_kl(const torch::Tensor& log_p, const torch::Tensor& log_q) {
  const torch::Tensor here = log_p > -INFINITY, none = torch::zeros_like(log_p);
  const torch::Tensor p = at::where(here, log_p, none), q = at::where(here, log_q, none);
  return at::where(here, p.exp() * (p - q), none).sum(-1);
}

KlLoss kl_loss(const torch::Tensor& log_probs, const torch::Tensor& old_log_probs,
               const torch::Tensor& reference, const torch::Tensor& mask,
               const KlLossOptions& options) {
  base::check(log_probs.sizes() == mask.sizes() && old_log_probs.sizes() == mask.sizes() &&
                  reference.sizes() == mask.sizes(),
              "kl_loss: log_probs ", log_probs.sizes(), ", old ", old_log_probs.sizes(),
              ", reference ", reference.sizes(), ", mask ", mask.sizes());
  const torch::Tensor p = zero_outside(log_probs, mask),
                      old = zero_outside(old_log_probs.detach(), mask),
                      q = zero_outside(reference.detach(), mask);
  torch::Tensor terms = kl_estimate(options.estimator, p, q, options.clamp);
  if (options.ratio != KlRatio::none) {
    const torch::Tensor ratio = (p - old).clamp(-20, 20).exp();
    terms = terms * (options.ratio == KlRatio::detached ? ratio.detach() : ratio);
  }
  if (options.weights.defined()) {
    base::check(options.weights.sizes() == mask.sizes(), "kl_loss: weights ",
                options.weights.sizes(), ", mask ", mask.sizes());
    terms = terms * options.weights;
  }
  KlLoss out;
  out.loss = reduce(terms, mask, options.reduction);
  torch::NoGradGuard no_grad;
  const torch::Tensor k1 = kl_k1(p, q);
  const double total = k1.sum().item<double>();
  out.token_kl = total / std::max(1., reduction_total(mask, Aggregation::token_mean));
  out.reply_kl = total / std::max(1., reduction_total(mask, Aggregation::sequence_mean));
  return out;
}

double KlController::guarded_beta(double kl, double share) const {
  constexpr double kTimes = 10, kLeast = 1;
  const bool spent = options_.target > 0 && kl > share * options_.target;
  return spent ? std::max(kTimes * beta_, kLeast) : beta_;
}

void KlController::update(double kl, std::int64_t episodes) {
  if (options_.target <= 0) return;
  const double error = std::clamp(kl / options_.target - 1, -.2, .2);
  const double change = error * static_cast<double>(episodes) / options_.horizon;
  beta_ = std::clamp(beta_ * (1 + std::clamp(change, -.5, 1.)), options_.floor,
                     std::max(options_.floor, options_.ceiling));
}

}  // namespace rl
