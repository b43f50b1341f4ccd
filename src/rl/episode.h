#pragma once

#include <vector>

#include "dialogue/recommender.h"
#include "train/tokens.h"

namespace rl {

// One action of the policy in one state: what was sampled, ready to be scored and learned from.
struct Episode {
  dialogue::State state;
  dialogue::Action action;
  std::vector<int> prompt;                // up to <|recommender|>
  std::vector<int> tokens;                // mode, the item where there is one, words
  std::vector<double> sampled_log_probs;  // one a token, by the sampler
  bool has_item = false;                  // tokens[1] is the item
};

// Lets the recommender answer every state and keeps what it did. max_tokens and temperature as the
// sampling says; the streams count up from sampling.stream.
std::vector<Episode> roll_out(dialogue::Recommender& recommender,
                              const train::DialogueTokens& tokens,
                              const std::vector<dialogue::State>& states,
                              const dialogue::Sampling& sampling, int positions);

}  // namespace rl
