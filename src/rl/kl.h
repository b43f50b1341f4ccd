#pragma once

#include <algorithm>
#include <cstdint>

#include <torch/types.h>

#include "base/json.h"

namespace rl {

// Estimators of KL(policy || reference) from samples of the policy (Schulman 2020), elementwise
// over log-probabilities of the sampled tokens. k1 is unbiased and goes into rewards; k2 has the
// gradient of the KL as a loss; k3 is unbiased with less spread, for monitoring.
torch::Tensor kl_k1(const torch::Tensor& log_probs,
                    const torch::Tensor& reference);  // log p - log q
torch::Tensor kl_k2(const torch::Tensor& log_probs,
                    const torch::Tensor& reference);  // (log p - log q)^2 / 2
torch::Tensor kl_k3(const torch::Tensor& log_probs,
                    const torch::Tensor& reference);  // q/p - 1 - log(q/p)

// KL(p || q) over the last axis of two tensors of log-probabilities; terms where p is 0 count 0.
// [..., N] -> [...].
torch::Tensor exact_kl(const torch::Tensor& log_p, const torch::Tensor& log_q);

// beta, the price of KL, steered towards a budget (Ziegler et al. 2019):
// beta <- beta * (1 + clip(KL / target - 1, -.2, .2) * episodes / horizon), held within [floor,
// ceiling].
class KlController {
 public:
  struct Options {
    double beta = .1;                    // at the start
    double target = 2;                   // nats a sequence; 0: beta stays as it is
    double horizon = 10000;              // episodes
    double floor = 1e-3, ceiling = 100;  // of what update() makes of it
  };
  explicit KlController(const Options& options) : options_(options), beta_(options.beta) {}

  double beta() const { return beta_; }
  void restore(double beta) { beta_ = beta; }  // from a checkpoint

  // kl: mean over the episodes of a rollout, in nats a sequence, measured before the update.
  void update(double kl, std::int64_t episodes);

 private:
  Options options_;
  double beta_;
};

}  // namespace rl
