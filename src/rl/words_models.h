#pragma once

#include <optional>
#include <vector>

#include "rl/critic.h"
#include "rl/settings.h"
#include "rl/token_policy.h"

namespace rl {

// Whose distributions the words are learned from, and how they are scored: the policy, which is
// trained in place, its reference and the critic. References must outlive it.
struct WordsModels {
  model::LanguageModel& policy;
  const model::Weights& reference;
  TokenScorer score;
  torch::Dtype type;  // of the products of policy and critic
  Critic critic;
};

enum class Learner { all, critic };  // who learns from a step: in the warm-up only the critic

// Policy and critic as they are now; of the critic nothing where it reads the policy's states.
struct CurrentWeights {
  model::Weights policy;
  std::optional<model::Weights> critic;
};
// Differentiable.
CurrentWeights current_weights(const WordsModels& models);

// The policy's log-probabilities and entropies at settings.temperature with the critic's values,
// wherever it stands; values are 0 unless the algorithm is ppo. Where only the critic learns, its
// loss does not reach the policy. [B, R] each, R the longest of the B episodes.
TokenScores score_policy(const WordsModels& models, const CurrentWeights& weights,
                         const std::vector<const Episode*>& episodes, const RlSettings& settings,
                         Learner learner = Learner::all);

// The same of the reference, without values.
TokenScores score_reference(const WordsModels& models, const std::vector<const Episode*>& episodes,
                            const RlSettings& settings);

}  // namespace rl
