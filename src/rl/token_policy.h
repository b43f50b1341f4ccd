#pragma once

#include <functional>
#include <vector>

#include "model/forward.h"
#include "rl/episode.h"
#include "rl/packed_replies.h"

namespace rl {

// The language model's part of an action under the policy's own distributions: the mode among
// recommend and chat, each word among the text vocabulary, <|end|> and the one item chosen, as
// recommend::TrainedRecommender samples them: the item is named once, before <|end|>. A token that
// had to come (sampled with log-probability 0) has log-probability and entropy 0. The item slot is
// the ranker's and is masked out here.
struct TokenScores {
  torch::Tensor log_probs;  // [B, R] float, 0 outside the mask
  torch::Tensor entropies;  // [B, R] float, exact, in nats
  torch::Tensor values;  // [B, R] float: of the state before each token; zeros without a value head
  torch::Tensor mask;    // [B, R] bool: true at mode and words, false at the item and after the end
};

// A linear value head on the hidden state, [C] and [1], starting at 0.
struct ValueHead {
  torch::Tensor weight, bias;
};

struct ScoreOptions {
  double temperature = 1;  // of the sampler: log-probabilities are of the tempered distribution
  const ValueHead* value_head = nullptr;
  bool detach_values = false;  // the value loss does not reach the network
  bool values_only = false;    // log-probabilities and entropies are left at 0
  Prompts prompts = Prompts::shared;
};

// R = the longest reply of the batch; on the processor, wherever the weights are. Packed without
// padding, equal prompts once; logits only where a token was chosen. Differentiable.
TokenScores score_tokens(const model::Weights& weights, const train::DialogueTokens& tokens,
                         const std::vector<const Episode*>& episodes,
                         const ScoreOptions& options = {});

// How the tokens of episodes are scored: what a trainer is told of the distributions that they were
// sampled from.
using TokenScorer =
    std::function<TokenScores(const model::Weights& weights,
                              const std::vector<const Episode*>& episodes, const ScoreOptions&)>;
// score_tokens over a dialogue model's tokens, which must outlive it.
TokenScorer dialogue_scorer(const train::DialogueTokens& tokens);

}  // namespace rl
