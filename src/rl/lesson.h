#pragma once

#include <cstddef>
#include <vector>

#include <torch/types.h>

#include "rl/algorithm.h"

namespace rl {

// What an algorithm makes of scored replies before it updates: the plain functions of advantages.h,
// group_advantages.h, best_of_n.h and reward_weighted.h, put together as the settings say. B =
// replies, R = reply tokens. Settings here are resolved() and checked.

// Replies that are learned from, in units that stay in one minibatch. For dpo the best of a group
// and its worst, in this order, where they score apart. Else the replies to one state, whose prompt
// is then worked out once: for kto those of groups whose scores differ, or (desirable=positive)
// all; for best_of_n the best of each group; for the others all. groups: B numbers; only replies
// that share one are compared. states: B numbers; a group is of one state.
std::vector<std::vector<std::size_t>> learning_units(const AlgorithmSettings& settings,
                                                     const std::vector<double>& scores,
                                                     const std::vector<int>& groups,
                                                     const std::vector<int>& states);

struct ScoredReplies {
  torch::Tensor scores;     // [B] float
  std::vector<int> groups;  // B numbers
  torch::Tensor kl;         // [B, R]: k1 of the sampled tokens
  torch::Tensor rewards;    // [B, R]: token_rewards of scores and kl, as far as the KL is in them
  torch::Tensor values;     // [B, R]: of the state before each token; ppo only
  torch::Tensor learned;    // [B, R] bool: the tokens that are learned from
  double beta = 0;          // price of a nat
};

struct GaeSettings {
  double discount = 1, lambda = .95;
};

struct Lesson {
  torch::Tensor advantages = {};  // [B, R]: as they are estimated; ppo and its relatives
  torch::Tensor returns = {};     // [B, R]: what values are fitted to; ppo only
  torch::Tensor normalised = {};  // [B, R]: the advantages as the loss takes them
  torch::Tensor weights = {};     // [B]: how much each reply is imitated; imitation only
  torch::Tensor desirable = {};   // [B] bool; kto only: above its group's mean, or 0
};
Lesson make_lesson(const AlgorithmSettings& settings, const ScoredReplies& replies,
                   const GaeSettings& gae);

// Whether it imitates replies (best_of_n, reward_weighted, sft).
bool imitates(Algorithm algorithm);

}  // namespace rl
