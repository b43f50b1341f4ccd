#include "rl/losses.h"

#include "base/error.h"
#include "rl/masked.h"

namespace rl {
namespace {

torch::Tensor filled(const torch::Tensor& x, const torch::Tensor& mask, double value) {
  return x.masked_fill(mask.logical_not(),
                       value);  // what stands outside the mask must not reach a gradient
}

double item(const torch::Tensor& x) { return x.item<double>(); }

}  // namespace

PpoLoss ppo_loss(const torch::Tensor& log_probs, const torch::Tensor& old_log_probs,
                 const torch::Tensor& advantages, const torch::Tensor& mask,
                 const PpoOptions& options) {
  base::check(log_probs.sizes() == old_log_probs.sizes() &&
                  log_probs.sizes() == advantages.sizes() && log_probs.sizes() == mask.sizes(),
              "ppo_loss: log_probs ", log_probs.sizes(), ", old ", old_log_probs.sizes(),
              ", advantages ", advantages.sizes(), ", mask ", mask.sizes());
  const torch::Tensor log_ratio =
      (filled(log_probs, mask, 0) - filled(old_log_probs, mask, 0)).clamp(-20, 20);
  const torch::Tensor ratio = log_ratio.exp(), advantage = filled(advantages, mask, 0);
  const torch::Tensor plain = -advantage * ratio;
  const torch::Tensor clipped =
      -advantage * ratio.clamp(1 - options.clip_low, 1 + options.clip_high);
  torch::Tensor loss = at::maximum(plain, clipped);
  if (options.dual_clip > 0)
    loss = at::where(advantage < 0, at::minimum(loss, -advantage * options.dual_clip), loss);
  PpoLoss out;
  out.loss = masked_mean(loss, mask);
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

ValueLoss value_loss(const torch::Tensor& values, const torch::Tensor& old_values,
                     const torch::Tensor& returns, const torch::Tensor& mask, double clip) {
  base::check(values.sizes() == returns.sizes() && values.sizes() == old_values.sizes() &&
                  values.sizes() == mask.sizes(),
              "value_loss: values ", values.sizes(), ", returns ", returns.sizes());
  const torch::Tensor v = filled(values, mask, 0), r = filled(returns, mask, 0),
                      old = filled(old_values, mask, 0);
  const torch::Tensor plain = (v - r).square();
  if (clip <= 0) return {.5 * masked_mean(plain, mask), 0};
  const torch::Tensor clipped = (at::minimum(at::maximum(v, old - clip), old + clip) - r).square();
  ValueLoss out{.5 * masked_mean(at::maximum(plain, clipped), mask), 0};
  torch::NoGradGuard no_grad;
  out.clip_fraction = item(masked_mean((clipped > plain).to(torch::kFloat32), mask));
  return out;
}

double explained_variance(const torch::Tensor& values, const torch::Tensor& returns,
                          const torch::Tensor& mask) {
  torch::NoGradGuard no_grad;
  const torch::Tensor r = returns.masked_select(mask), error = r - values.masked_select(mask);
  if (r.numel() < 2) return 0;
  const double spread = item(r.var());
  return spread > 0 ? 1 - item(error.var()) / spread : 0;
}

}  // namespace rl
