#include "rl/masked.h"

#include "base/error.h"

namespace rl {
namespace {

void check_shapes(const torch::Tensor& x, const torch::Tensor& mask) {
  base::check(x.sizes() == mask.sizes() && mask.dtype() == torch::kBool,
              "masked statistics: values ", x.sizes(), ", mask ", mask.sizes(), " of ",
              mask.dtype());
}

}  // namespace

torch::Tensor masked_mean(const torch::Tensor& x, const torch::Tensor& mask) {
  check_shapes(x, mask);
  const torch::Tensor kept = x.masked_select(mask);
  return kept.numel() ? kept.mean() : torch::zeros({}, x.options());
}

torch::Tensor masked_variance(const torch::Tensor& x, const torch::Tensor& mask) {
  check_shapes(x, mask);
  const torch::Tensor kept = x.masked_select(mask);
  base::check(kept.numel() > 1, "masked variance of ", kept.numel(), " values; it needs two");
  return kept.var();
}

torch::Tensor whiten(const torch::Tensor& x, const torch::Tensor& mask) {
  const torch::Tensor scale = (masked_variance(x, mask) + 1e-8).rsqrt();
  return at::where(mask, (x - masked_mean(x, mask)) * scale, torch::zeros_like(x));
}

torch::Tensor whiten_keeping_mean(const torch::Tensor& x, const torch::Tensor& mask) {
  return at::where(mask, whiten(x, mask) + masked_mean(x, mask), torch::zeros_like(x));
}

}  // namespace rl
