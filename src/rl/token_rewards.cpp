#include "rl/token_rewards.h"

#include "base/error.h"
#include "rl/masked.h"

namespace rl {
namespace {

void check_shapes(const torch::Tensor& scores, const torch::Tensor& kl, const torch::Tensor& mask) {
  base::check(kl.dim() == 2 && kl.sizes() == mask.sizes() && scores.dim() == 1 &&
                  scores.size(0) == kl.size(0),
              "rewards of tokens: scores ", scores.sizes(), ", kl ", kl.sizes(), ", mask ",
              mask.sizes());
}

// [B, R] bool: true at each row's last place where the mask is.
torch::Tensor last_places(const torch::Tensor& mask) {
  const torch::Tensor after = mask.flip(1).cumsum(1).flip(1);  // places from here on that count
  return mask.logical_and(after == 1);
}

}  // namespace

torch::Tensor token_rewards(const torch::Tensor& scores, const torch::Tensor& kl,
                            const torch::Tensor& mask, double beta) {
  check_shapes(scores, kl, mask);
  torch::NoGradGuard no_grad;
  const torch::Tensor price = beta * kl.masked_fill(mask.logical_not(), 0);
  return at::where(last_places(mask), scores.to(kl.scalar_type()).unsqueeze(1) - price, -price);
}

torch::Tensor reply_rewards(const torch::Tensor& scores, const torch::Tensor& kl,
                            const torch::Tensor& mask, double beta) {
  return token_rewards(scores, kl, mask, beta).sum(1);
}

torch::Tensor soft_length_penalty(const torch::Tensor& lengths, double largest, double cache) {
  if (!(cache > 0 && cache <= largest))
    throw base::UsageError("the penalty of long replies begins ", cache, " tokens before ", largest,
                           "; it must begin between them");
  return -((lengths.to(torch::kFloat32) - (largest - cache)) / cache).clamp(0, 1);
}

torch::Tensor without_truncated(const torch::Tensor& mask, const torch::Tensor& ended) {
  base::check(mask.dim() == 2 && ended.dim() == 1 && ended.size(0) == mask.size(0),
              "without_truncated: mask ", mask.sizes(), ", ended ", ended.sizes());
  return mask.logical_and(ended.unsqueeze(1));
}

}  // namespace rl
