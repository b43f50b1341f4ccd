#pragma once

#include <cstdint>

#include <torch/types.h>

#include "rl/masked.h"

namespace rl {

// Estimators of KL(p || q) from samples of p, the policy, against q, the reference (Schulman 2020),
// elementwise over log-probabilities of the sampled tokens. All are 0 where p = q.
//
// Which one goes where is not a matter of taste, for a reward multiplies grad log p while a loss is
// differentiated itself. In expectation over samples of p:
//
//             in the reward                        as a loss
//   k1        grad KL(p || q): right               0: no force at all
//   k2        first order 0: no regulariser        grad KL(p || q): right
//   k3        grad (KL(p || q) - KL(q || p)):      grad KL(q || p): another fixed point, close
//             first order 0                        while p is close to q
//   absolute  first order 0                        the gradient of no KL
//
// k3 has the least spread of the unbiased ones and is the one to watch.
torch::Tensor kl_k1(const torch::Tensor& log_probs,
                    const torch::Tensor& reference);  // log p - log q
torch::Tensor kl_k2(const torch::Tensor& log_probs,
                    const torch::Tensor& reference);  // (log p - log q)^2 / 2
torch::Tensor kl_k3(const torch::Tensor& log_probs,
                    const torch::Tensor& reference);  // q/p - 1 - log(q/p)

enum class KlEstimator { k1, k2, k3, absolute };  // absolute: |log p - log q|

struct KlClamp {
  double input = 0;   // |log p - log q| is held to this; 0: not at all
  double output = 0;  // |estimate| is held to this; 0: not at all
};

// One of the above by name. Where a clamp holds a value, its gradient is 0.
torch::Tensor kl_estimate(KlEstimator estimator, const torch::Tensor& log_probs,
                          const torch::Tensor& reference, const KlClamp& clamp = {});

// KL(p || q) over the last axis of two tensors of log-probabilities; terms where p is 0 count 0,
// and have no gradient. [..., N] -> [...]. Differentiable; right as a loss.
torch::Tensor exact_kl(const torch::Tensor& log_p, const torch::Tensor& log_q);

// What a KL loss is multiplied by, r = p / p_old, since its samples are the old policy's.
enum class KlRatio {
  none,      // right in the first epoch only, where r = 1
  detached,  // r as a number: k2 and k3 keep the gradients above in later epochs (NeMo-RL)
  full,      // r with its gradient: k1 and k3 get grad KL(p || q), k2 gets the gradient of no KL
};
struct KlLossOptions {
  KlEstimator estimator = KlEstimator::k2;
  KlRatio ratio = KlRatio::none;
  KlClamp clamp = {};
  torch::Tensor weights = {};  // [B, R], without gradient: of each token, against another sampler
                               // than p_old (sampler_weights in losses.h); undefined: none
  Reduction reduction = {};
};
struct KlLoss {
  torch::Tensor loss;  // 0-dim, differentiable in log_probs only; not yet times beta
  // For the log, without gradient and ratio:
  double token_kl = 0;  // k1, mean over the tokens
  double reply_kl = 0;  // k1 summed over a reply, mean over the replies with a token
};

// log_probs: current, with gradient; old_log_probs: of the policy that sampled, or is said to by
// weights; reference: all [B, R]. mask: [B, R] bool. Combinations without the right gradient are
// computed as asked; they are refused by check_algorithm.
KlLoss kl_loss(const torch::Tensor& log_probs, const torch::Tensor& old_log_probs,
               const torch::Tensor& reference, const torch::Tensor& mask,
               const KlLossOptions& options = {});

// beta, the price of KL, steered towards a budget (Ziegler et al. 2019):
// beta <- beta * (1 + clip(KL / target - 1, -.2, .2) * episodes / horizon), at most halved or
// doubled, and held within [floor, ceiling].
class KlController {
 public:
  struct Options {
    double beta = .1;                    // at the start
    double target = 2;                   // nats a sequence; 0: beta stays as it is
    double horizon = 10000;              // episodes
    double floor = 1e-3, ceiling = 100;  // of what update() makes of it; a higher floor is both
  };
  explicit KlController(const Options& options) : options_(options), beta_(options.beta) {}

  double beta() const { return beta_; }
  // The same; but where a KL is above `share` of the target, ten times it and at least 1: beta
  // follows slowly, and this turns a policy back at once.
  double guarded_beta(double kl, double share) const;
  void restore(double beta) { beta_ = beta; }  // from a checkpoint

  // kl: mean over the episodes of a rollout, in nats a sequence, measured before the update.
  void update(double kl, std::int64_t episodes);

 private:
  Options options_;
  double beta_;
};

}  // namespace rl
