#include "rl/losses.h"

#include "base/error.h"
#include "rl/kl.h"

namespace rl {
namespace {

torch::Tensor filled(const torch::Tensor& x, const torch::Tensor& mask, double value) {
  return x.masked_fill(mask.logical_not(),
                       value);  // what stands outside the mask must not reach a gradient
}

double item(const torch::Tensor& x) { return x.item<double>(); }

// log (p / p_other), 0 outside the mask, held within +-20; the gradient stops at the other's.
torch::Tensor log_ratio_of(const torch::Tensor& log_probs, const torch::Tensor& other,
                           const torch::Tensor& mask) {
  return (filled(log_probs, mask, 0) - filled(other.detach(), mask, 0)).clamp(-20, 20);
}

torch::Tensor ratio_of(const torch::Tensor& log_ratio, const torch::Tensor& mask,
                       RatioLevel level) {
  if (level == RatioLevel::token) return log_ratio.exp();
  return reply_means(log_ratio, mask).unsqueeze(1).expand(mask.sizes()).exp();
}

}  // namespace

torch::Tensor sampler_weights(const torch::Tensor& old_log_probs,
                              const torch::Tensor& sampler_log_probs, const torch::Tensor& mask,
                              double cap) {
  base::check(sampler_log_probs.sizes() == mask.sizes(), "sampler_weights: sampler_log_probs ",
              sampler_log_probs.sizes(), ", mask ", mask.sizes());
  return log_ratio_of(old_log_probs.detach(), sampler_log_probs, mask).exp().clamp_max(cap);
}

PpoLoss ppo_loss(const torch::Tensor& log_probs, const torch::Tensor& old_log_probs,
                 const torch::Tensor& advantages, const torch::Tensor& mask,
                 const PpoOptions& options) {
  base::check(log_probs.sizes() == old_log_probs.sizes() &&
                  log_probs.sizes() == advantages.sizes() && log_probs.sizes() == mask.sizes(),
              "ppo_loss: log_probs ", log_probs.sizes(), ", old ", old_log_probs.sizes(),
              ", advantages ", advantages.sizes(), ", mask ", mask.sizes());
  const torch::Tensor log_ratio = log_ratio_of(log_probs, old_log_probs, mask);
  const torch::Tensor ratio = ratio_of(log_ratio, mask, options.ratio),
                      advantage = filled(advantages.detach(), mask, 0);
  const torch::Tensor plain = -advantage * ratio;
  const torch::Tensor clipped =
      -advantage * ratio.clamp(1 - options.clip_low, 1 + options.clip_high);
  torch::Tensor terms = at::maximum(plain, clipped);
  if (options.dual_clip > 0)
    terms = at::where(advantage < 0, at::minimum(terms, -advantage * options.dual_clip), terms);
  PpoLoss out;
  if (options.weights.defined()) {
    base::check(options.weights.sizes() == mask.sizes(), "ppo_loss: weights ",
                options.weights.sizes(), ", mask ", mask.sizes());
    terms = terms * options.weights;
    out.sampler_weight = item(masked_mean(options.weights, mask));
  }
  out.loss = reduce(terms, mask, options.reduction);
  torch::NoGradGuard no_grad;
  const torch::Tensor ratios = ratio.masked_select(mask);
  if (ratios.numel() == 0) return out;
  out.clip_fraction = item(masked_mean((clipped > plain).to(torch::kFloat32), mask));
  out.approx_kl = item(masked_mean(log_ratio.square() / 2, mask));
  out.ratio = item(ratios.mean());
  out.ratio_max = item(ratios.max());
  out.ratio_min = item(ratios.min());
  out.ratio_variance = item(ratios.var(false));
  return out;
}

torch::Tensor reinforce_loss(const torch::Tensor& log_probs, const torch::Tensor& advantages,
                             const torch::Tensor& mask, const Reduction& reduction) {
  base::check(log_probs.sizes() == advantages.sizes(), "reinforce_loss: log_probs ",
              log_probs.sizes(), ", advantages ", advantages.sizes());
  return reduce(-filled(advantages.detach(), mask, 0) * filled(log_probs, mask, 0), mask,
                reduction);
}

ValueLoss value_loss(const torch::Tensor& values, const torch::Tensor& old_values,
                     const torch::Tensor& returns, const torch::Tensor& mask, double clip,
                     const Reduction& reduction) {
  base::check(values.sizes() == returns.sizes() && values.sizes() == old_values.sizes() &&
                  values.sizes() == mask.sizes(),
              "value_loss: values ", values.sizes(), ", returns ", returns.sizes());
  const torch::Tensor v = filled(values, mask, 0), r = filled(returns.detach(), mask, 0),
                      old = filled(old_values.detach(), mask, 0);
  const torch::Tensor plain = (v - r).square();
  if (clip <= 0) return {.5 * reduce(plain, mask, reduction), 0};
  const torch::Tensor clipped = (at::minimum(at::maximum(v, old - clip), old + clip) - r).square();
  ValueLoss out{.5 * reduce(at::maximum(plain, clipped), mask, reduction), 0};
  torch::NoGradGuard no_grad;
  out.clip_fraction = item(masked_mean((clipped > plain).to(torch::kFloat32), mask));
  return out;
}

torch::Tensor entropy_loss(const torch::Tensor& entropies, const torch::Tensor& mask, double weight,
                           const Reduction& reduction) {
  return -weight * reduce(entropies, mask, reduction);
}

double sampled_entropy(const torch::Tensor& log_probs, const torch::Tensor& sampler_log_probs,
                       const torch::Tensor& mask) {
  torch::NoGradGuard no_grad;
  const torch::Tensor ratio = log_ratio_of(log_probs, sampler_log_probs, mask).exp();
  return item(masked_mean(-ratio * log_probs, mask));
}

double explained_variance(const torch::Tensor& values, const torch::Tensor& returns,
                          const torch::Tensor& mask) {
  torch::NoGradGuard no_grad;
  const torch::Tensor r = returns.masked_select(mask), error = r - values.masked_select(mask);
  if (r.numel() < 2) return 0;
  const double spread = item(r.var());
  return spread > 0 ? 1 - item(error.var()) / spread : 0;
}

SamplerMismatch sampler_mismatch(const torch::Tensor& log_probs,
                                 const torch::Tensor& sampler_log_probs,
                                 const torch::Tensor& mask) {
  torch::NoGradGuard no_grad;
  const torch::Tensor distance = (log_probs - sampler_log_probs).abs();
  if (!mask.any().item<bool>()) return {};
  return {item(masked_mean(distance, mask)), item(masked_mean(distance.exp(), mask)),
          item(masked_mean(kl_k3(sampler_log_probs, log_probs), mask))};
}

}  // namespace rl
