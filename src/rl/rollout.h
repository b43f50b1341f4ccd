#pragma once

#include <cstddef>
#include <vector>

#include "base/random.h"
#include "rl/episode.h"
#include "rl/lesson.h"
#include "rl/losses.h"
#include "rl/score_scaling.h"
#include "rl/settings.h"
#include "rl/words_models.h"

namespace rl {

using Minibatches = std::vector<std::vector<std::size_t>>;  // of numbers of episodes

// Replies with all that their update needs. B = replies, R = tokens of the longest.
struct Rollout {
  std::vector<Episode> episodes;
  std::vector<int> states;            // one an episode: replies to one state share one
  std::vector<int> groups;            // one an episode: replies that may be compared share one
  std::vector<double> raw_scores;     // of the reward model, one an episode
  std::vector<double> scaled_scores;  // by their running deviation, clipped
  std::vector<double> scores;         // those less penalties; of ppo centred by mode
  torch::Tensor log_probs, values, reference, mask;  // [B, R]: before the update, as in TokenScores
  torch::Tensor sampled;  // [B, R]: log-probabilities by the sampler; undefined: nobody sampled
  torch::Tensor learned;  // [B, R] bool: the tokens that losses read
  torch::Tensor rewards;  // [B, R]: -beta k1, and the score on the last token
  double beta = 0;        // the price of a nat that they pay
  Lesson lesson;
  // Replies that stay in one minibatch (lesson.h); none where there is nothing to be learned.
  std::vector<std::vector<std::size_t>> units;
  Minibatches first_minibatches;  // log_probs were scored in these shapes
  // Nats a reply by k1, and by k3, which spreads less; of replies that the policy itself sampled.
  double kl = 0, kl_k3 = 0;
  double entropy = 0;    // nats a token
  double non_score = 0;  // the KL's part of a reply's reward
  SamplerMismatch mismatch;
};

// The steps in which WordsTrainer::prepare makes one: each returns the rollout with more of it
// filled in, and nothing has a gradient. Settings here are resolved() and checked.

// Episodes, states, groups and raw scores. states: one number an episode; empty: every episode has
// a state of its own. Unless settings.learn_mode, a group's replies have one mode. Throws
// base::Error(internal) where the numbers of episodes, scores and states differ.
Rollout begin_rollout(std::vector<Episode> episodes, std::vector<double> raw_scores,
                      const std::vector<int>& states, const RlSettings& settings);

// From the reward model's scores to those that are learned from: scaled_scores, and scores less
// what a missing end and, with settings.length_cache, length cost. The raw scores are counted
// towards `moments` where they are scaled by them.
Rollout with_scores(Rollout rollout, const RlSettings& settings, RunningMoments& moments);

// Units of replies (lesson.h) from scores, and the first epoch's minibatches of them. Where one has
// no room for two states' replies, which kto needs, its units are single replies.
Rollout with_units(Rollout rollout, const RlSettings& settings, const base::RandomPlace& at);

// Units are shuffled by (at.seed, at.step, epoch) and laid into minibatches of at most `minibatch`
// replies, or of one unit that is larger.
Minibatches lay_out(const std::vector<std::vector<std::size_t>>& units, int minibatch,
                    const base::RandomPlace& at, int epoch);

// Old and reference log-probabilities by the training forward, values, mask, entropy and, where
// somebody sampled, the mismatch and, of the policy's own replies, kl and kl_k3. What is learned
// from by advantages is scored in the shapes of the first minibatches, so that the first ratio is
// exactly 1; every episode must be in one of them.
Rollout with_log_probs(Rollout rollout, const WordsModels& models, const RlSettings& settings);

// [B, R] bool: the mask less the replies that were cut off, where settings.mask_truncated, and less
// the modes, unless settings.learn_mode or the algorithm is ppo, which needs them for their KL.
torch::Tensor learned_tokens(const Rollout& rollout, const RlSettings& settings);

// token_rewards of the learned tokens at this price of a nat, and what of them is the KL's
// (non_score). Of ppo, unless settings.learn_mode, scores are centred so that what follows a mode
// is worth the same for both on average.
Rollout with_rewards(Rollout rollout, const RlSettings& settings, double beta);

}  // namespace rl
