#pragma once

#include <memory>
#include <vector>

#include "base/random.h"
#include "base/run_log.h"
#include "model/checkpoint.h"
#include "rl/kl.h"
#include "rl/rollout.h"
#include "rl/score_scaling.h"
#include "rl/settings.h"
#include "rl/words_models.h"
#include "train/adamw.h"

namespace rl {

// The half of the update that learns modes and words, by any of the algorithms (algorithm.h). PPO:
// clipped surrogate, a critic on the policy's trunk or apart (critic.h), k1 KL in the reward with a
// controlled price (Ziegler et al. 2019). Where settings.learn_mode is off, the mode is learned
// from by no algorithm, and only replies of one mode are compared. How a rollout is made stands in
// rollout.h, the loss of a minibatch in words_loss.h.
class WordsTrainer {
 public:
  // Trains `policy` in place. `scorer`: dialogue_scorer, or plain_scorer (plain_tokens.h). Keeps
  // references: all must outlive it.
  WordsTrainer(model::LanguageModel& policy, const model::Weights& reference, TokenScorer scorer,
               const RlSettings& settings, torch::Dtype type);

  // Scores what was sampled. states: one number an episode, the same for replies to one state;
  // empty: every reply is to a state of its own. `at`: seed and iteration (from 1), from which the
  // minibatches follow. Until it has been updated, at iteration 1 and, after a warm-up, until the
  // iteration behind it, the policy must be the reference (KL exactly 0), else
  // base::Error(internal).
  Rollout prepare(std::vector<Episode> episodes, std::vector<double> raw_scores,
                  const base::RandomPlace& at, const std::vector<int>& states = {});

  // The epochs over a rollout, then the controller's step. In the first settings.critic_warmup
  // iterations only the critic learns and the policy stays as it is. critic_learning_rate: of a
  // critic that learns by itself; 0: learning_rate. The ratio at the first minibatch must be
  // exactly 1, else base::Error(internal). Returns what the log shows.
  base::Metrics update(const Rollout& rollout, double learning_rate, const base::RandomPlace& at,
                       double critic_learning_rate = 0);

  // Nats a reply between policy and reference, of replies that the policy sampled: what `prepare`
  // finds by itself where an algorithm learns from such replies.
  double measure_kl(std::vector<Episode> episodes) const;

  // Whether the algorithm has a price of KL, which is steered towards settings.kl_target: a rollout
  // that is more than half over it pays ten times as much at once.
  bool pays_for_kl() const { return settings_.kl_place != "none"; }
  double beta() const { return kl_.beta(); }

  // Everything but the policy's weights, for checkpoints.
  void save(model::Checkpoint& checkpoint) const;
  void load(const model::Checkpoint& checkpoint);

 private:
  struct Step;  // one minibatch
  struct StepSizes {
    double policy, critic;
  };
  Step take_step(const Rollout& rollout, const std::vector<std::size_t>& chosen, Learner learner,
                 const StepSizes& sizes);
  static base::Metrics metrics_of(const Rollout& rollout, const std::vector<Step>& steps);

  const RlSettings settings_;  // resolved
  const Algorithm algorithm_;
  WordsModels models_;
  std::unique_ptr<train::AdamW> optimiser_;
  KlController kl_;
  RunningMoments moments_;
};

}  // namespace rl
