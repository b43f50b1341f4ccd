#pragma once

#include <vector>

#include "base/random.h"
#include "base/run_log.h"
#include "model/checkpoint.h"
#include "rl/advantages.h"
#include "rl/kl.h"
#include "rl/ppo_settings.h"
#include "rl/score_scaling.h"
#include "rl/token_policy.h"
#include "train/adamw.h"

namespace rl {

// Replies with all that their update needs; rows are [B, R], as in TokenScores.
struct Rollout {
  std::vector<Episode> episodes;
  std::vector<double> raw_scores;     // of the reward model, one an episode
  std::vector<double> scaled_scores;  // by their running deviation, clipped
  std::vector<double> scores;         // those less the penalty for a missing end, centred by mode
  torch::Tensor log_probs, values, reference, mask;  // before the update
  torch::Tensor rewards;                             // -beta k1, and the score on the last token
  Advantages gae;
  std::vector<std::vector<std::size_t>> first_minibatches;  // log_probs were scored in these shapes
  double kl = 0;                                            // nats a reply, k1
  double kl_k3 = 0;                                         // the same by k3, which spreads less
  double entropy = 0;                                       // nats a token
  double non_score = 0;                                     // the KL's part of a reply's reward
  double mismatch = 0;  // mean |log-probability - the sampler's|
};

// The half of PPO that learns modes and words: clipped surrogate, value head on the policy's trunk,
// k1 KL in the reward with a controlled price (Ziegler et al. 2019).
class WordsTrainer {
 public:
  // Trains `policy` in place. Keeps references: all must outlive it.
  WordsTrainer(model::LanguageModel& policy, const model::Weights& reference,
               const train::DialogueTokens& tokens, const PpoSettings& settings, torch::Dtype type);

  // Scores what was sampled. `at`: seed and iteration (from 1), from which the minibatches follow.
  // At iteration 1 the policy must be the reference (KL exactly 0), else base::Error(internal).
  Rollout prepare(std::vector<Episode> episodes, std::vector<double> raw_scores,
                  const base::RandomPlace& at);

  // The epochs over a rollout, then the controller's step. The ratio at the first minibatch must be
  // exactly 1, else base::Error(internal). Returns what the log shows.
  base::Metrics update(const Rollout& rollout, double learning_rate, const base::RandomPlace& at);

  double beta() const { return kl_.beta(); }

  // Everything but the policy's weights, for checkpoints.
  void save(model::Checkpoint& checkpoint) const;
  void load(const model::Checkpoint& checkpoint);

 private:
  using Minibatches = std::vector<std::vector<std::size_t>>;
  Minibatches minibatches(const base::RandomPlace& at, int epoch, std::size_t episodes) const;
  void score_log_probs(Rollout& rollout) const;
  void reward_tokens(Rollout& rollout);
  struct Step;
  Step take_step(const Rollout& rollout, const torch::Tensor& advantages,
                 const std::vector<std::size_t>& chosen, double learning_rate);
  ValueHead value_head() const;

  model::LanguageModel& policy_;
  const model::Weights& reference_;
  const train::DialogueTokens& tokens_;
  const PpoSettings& settings_;
  torch::Dtype type_;
  model::ParameterSet critic_;
  std::unique_ptr<train::AdamW> optimiser_;
  KlController kl_;
  RunningMoments moments_;
};

}  // namespace rl
