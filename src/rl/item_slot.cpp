#include "rl/item_slot.h"

#include "base/error.h"

namespace rl {

ItemSlotLoss item_slot_loss(const torch::Tensor& log_probs, const torch::Tensor& reference,
                            const torch::Tensor& rewards, const torch::Tensor& targets,
                            const ItemSlotOptions& options) {
  base::check(log_probs.dim() == 2 && log_probs.sizes() == reference.sizes() &&
                  log_probs.sizes() == rewards.sizes() && targets.dim() == 1 &&
                  targets.size(0) == log_probs.size(0),
              "item_slot_loss: log_probs ", log_probs.sizes(), ", reference ", reference.sizes(),
              ", rewards ", rewards.sizes(), ", targets ", targets.sizes());
  const torch::Tensor here = log_probs > -1e8, none = torch::zeros_like(log_probs);
  // Masked items have probability 0 under both; nothing of theirs is read.
  const torch::Tensor reward =
      at::where(here, rewards.detach().clamp(-options.reward_clip, options.reward_clip), none);
  const torch::Tensor log_p = at::where(here, log_probs, none),
                      log_q = at::where(here, reference.detach(), none);
  const torch::Tensor p = at::where(here, log_p.exp(), none), log_ratio = log_p - log_q;
  const torch::Tensor expected = (p * reward).sum(1), kl = (p * log_ratio).sum(1);  // [B]
  torch::Tensor loss = -(expected - options.beta * kl).mean();
  const torch::Tensor known = targets >= 0;
  if (options.cross_entropy > 0 && known.any().item<bool>()) {
    const torch::Tensor picked =
        log_probs.gather(1, targets.clamp_min(0).unsqueeze(1)).squeeze(1).masked_select(known);
    loss = loss - options.cross_entropy * picked.clamp_min(-50).mean();
  }
  ItemSlotLoss out;
  out.loss = loss;
  torch::NoGradGuard no_grad;
  const torch::Tensor q = at::where(here, log_q.exp(), none);
  out.reward = expected.mean().item<double>();
  out.reference_reward = (q * reward).sum(1).mean().item<double>();
  out.kl = kl.mean().item<double>();
  out.entropy = -(p * log_p).sum(1).mean().item<double>();
  return out;
}

}  // namespace rl
