#include "rl/masked.h"

#include <algorithm>

#include "base/error.h"

namespace rl {
namespace {

void check_shapes(const torch::Tensor& x, const torch::Tensor& mask) {
  base::check(x.sizes() == mask.sizes() && mask.dtype() == torch::kBool,
              "masked statistics: values ", x.sizes(), ", mask ", mask.sizes(), " of ",
              mask.dtype());
}

void check_rows(const torch::Tensor& x, const torch::Tensor& mask) {
  check_shapes(x, mask);
  base::check(x.dim() == 2, "statistics of replies: values ", x.sizes(), ", expected [B, R]");
}

torch::Tensor zero_outside(const torch::Tensor& x, const torch::Tensor& mask) {
  return x.masked_fill(mask.logical_not(), 0);
}

}  // namespace

torch::Tensor masked_mean(const torch::Tensor& x, const torch::Tensor& mask) {
  check_shapes(x, mask);
  const torch::Tensor kept = x.masked_select(mask);
  return kept.numel() ? kept.mean() : torch::zeros({}, x.options());
}

torch::Tensor masked_variance(const torch::Tensor& x, const torch::Tensor& mask, Spread spread) {
  check_shapes(x, mask);
  const torch::Tensor kept = x.masked_select(mask);
  base::check(kept.numel() > 1, "masked variance of ", kept.numel(), " values; it needs two");
  return kept.var(/*unbiased=*/spread == Spread::unbiased);
}

torch::Tensor whiten(const torch::Tensor& x, const torch::Tensor& mask, Spread spread) {
  const torch::Tensor scale = (masked_variance(x, mask, spread) + 1e-8).rsqrt();
  return at::where(mask, (zero_outside(x, mask) - masked_mean(x, mask)) * scale,
                   torch::zeros_like(x));
}

torch::Tensor whiten_keeping_mean(const torch::Tensor& x, const torch::Tensor& mask,
                                  Spread spread) {
  return at::where(mask, whiten(x, mask, spread) + masked_mean(x, mask), torch::zeros_like(x));
}

torch::Tensor reply_sums(const torch::Tensor& x, const torch::Tensor& mask) {
  check_rows(x, mask);
  return zero_outside(x, mask).sum(1);
}

torch::Tensor reply_means(const torch::Tensor& x, const torch::Tensor& mask) {
  return reply_sums(x, mask) / mask.sum(1).clamp_min(1);
}

double reduction_total(const torch::Tensor& mask, Aggregation how) {
  if (how == Aggregation::token_mean) return mask.sum().item<double>();
  check_rows(mask, mask);
  return mask.any(1).sum().item<double>();
}

torch::Tensor reduce(const torch::Tensor& x, const torch::Tensor& mask,
                     const Reduction& reduction) {
  check_shapes(x, mask);
  const double total =
      reduction.total > 0 ? reduction.total : std::max(1., reduction_total(mask, reduction.how));
  switch (reduction.how) {
    case Aggregation::token_mean:
      return zero_outside(x, mask).sum() / total;
    case Aggregation::sequence_mean:
      return reply_means(x, mask).sum() / total;
    case Aggregation::constant_length:
      if (reduction.length <= 0)
        throw base::UsageError("a loss over a constant length needs that length, not ",
                               reduction.length, "; the largest number of tokens of a reply, say");
      return reply_sums(x, mask).sum() / (total * reduction.length);
  }
  base::check(false, "an aggregation without a name");
  return {};
}

}  // namespace rl
