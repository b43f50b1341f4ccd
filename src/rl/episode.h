#pragma once

#include <vector>

#include "dialogue/recommender.h"
#include "rl/places.h"
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

// What the logs' recommender said at each place, the words cut after max_tokens - 1, then <|end|>;
// without the few whose item would be cut off. Nobody sampled them: sampled_log_probs are empty.
std::vector<Episode> logged_replies(const std::vector<Place>& places,
                                    const train::DialogueTokens& tokens,
                                    const dialogue::StateOptions& options, int max_tokens,
                                    int positions);

}  // namespace rl
