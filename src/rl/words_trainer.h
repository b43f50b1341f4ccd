#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/random.h"
#include "base/run_log.h"
#include "model/checkpoint.h"
#include "rl/critic.h"
#include "rl/kl.h"
#include "rl/lesson.h"
#include "rl/losses.h"
#include "rl/score_scaling.h"
#include "rl/settings.h"
#include "rl/token_policy.h"
#include "train/adamw.h"

namespace rl {

// Replies with all that their update needs; rows are [B, R], as in TokenScores.
struct Rollout {
  std::vector<Episode> episodes;
  std::vector<int> states;            // one an episode: replies to one state share one
  std::vector<int> groups;            // one an episode: replies that may be compared share one
  std::vector<double> raw_scores;     // of the reward model, one an episode
  std::vector<double> scaled_scores;  // by their running deviation, clipped
  std::vector<double> scores;         // those less penalties; of ppo centred by mode
  torch::Tensor log_probs, values, reference, mask;  // before the update
  torch::Tensor sampled;                             // log-probabilities by the sampler
  torch::Tensor learned;                             // [B, R] bool: the tokens that losses read
  torch::Tensor rewards;                             // -beta k1, and the score on the last token
  Lesson lesson;
  // Replies that stay in one minibatch (lesson.h); none where there is nothing to be learned.
  std::vector<std::vector<std::size_t>> units;
  std::vector<std::vector<std::size_t>> first_minibatches;  // log_probs were scored in these shapes
  // Nats a reply by k1, and by k3, which spreads less; of replies that the policy itself sampled.
  double kl = 0, kl_k3 = 0;
  double entropy = 0;    // nats a token
  double non_score = 0;  // the KL's part of a reply's reward
  double mismatch = 0;   // mean |log-probability - the sampler's|
};

// The half of the update that learns modes and words, by any of the algorithms (algorithm.h). PPO:
// clipped surrogate, a critic on the policy's trunk or apart (critic.h), k1 KL in the reward with a
// controlled price (Ziegler et al. 2019). Where settings.learn_mode is off, the mode is learned
// from by no algorithm, and only replies of one mode are compared.
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

  double beta() const { return kl_.beta(); }

  // Everything but the policy's weights, for checkpoints.
  void save(model::Checkpoint& checkpoint) const;
  void load(const model::Checkpoint& checkpoint);

 private:
  using Minibatches = std::vector<std::vector<std::size_t>>;
  Minibatches minibatches(const base::RandomPlace& at, int epoch, const Minibatches& units) const;
  void scale(Rollout& rollout);
  void score_log_probs(Rollout& rollout) const;
  void choose_learned(Rollout& rollout) const;
  void reward_tokens(Rollout& rollout);
  bool pays_for_kl() const;  // beta is a price of the algorithm's own

  struct Part;  // a minibatch of a rollout
  struct Step;
  enum class Learner { all, critic };  // who learns: at the start perhaps only the critic
  TokenScores score_with_values(const model::Weights& policy,
                                const std::optional<model::Weights>& critic,
                                const std::vector<const Episode*>& episodes, Learner learner) const;
  Part part_of(const Rollout& rollout, const std::vector<std::size_t>& chosen,
               Learner learner) const;
  void learn_by_advantages(const Part& part, Step& step) const;
  void learn_by_imitation(const Part& part, Step& step) const;
  void learn_by_pairs(const Part& part, Step& step) const;
  void learn_by_judgements(const Part& part, Step& step) const;
  Reduction reduction() const;
  static base::Metrics metrics_of(const Rollout& rollout, const std::vector<Step>& steps);
  struct StepSizes {
    double policy, critic;
  };
  Step take_step(const Rollout& rollout, const std::vector<std::size_t>& chosen, Learner learner,
                 const StepSizes& sizes);

  model::LanguageModel& policy_;
  const model::Weights& reference_;
  const TokenScorer score_;
  const RlSettings& settings_;
  const AlgorithmSettings method_;  // settings_, resolved
  const Algorithm algorithm_;
  torch::Dtype type_;
  Critic critic_;
  std::unique_ptr<train::AdamW> optimiser_;
  KlController kl_;
  RunningMoments moments_;
};

}  // namespace rl
