#pragma once

#include <optional>
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

// A recommender's turn that somebody else said, as the policy could have: the words cut after
// max_tokens - 1, then <|end|>. Nobody sampled it: sampled_log_probs are empty. Nothing where the
// policy could not have said it: it names several items, or its item only where it was cut.
std::optional<Episode> said_reply(const dialogue::State& state, const dialogue::Turn& turn,
                                  const train::DialogueTokens& tokens, int max_tokens,
                                  int positions);

// said_reply of what the logs' recommender said at each place, where there is one.
std::vector<Episode> logged_replies(const std::vector<Place>& places,
                                    const train::DialogueTokens& tokens,
                                    const dialogue::StateOptions& options, int max_tokens,
                                    int positions);

}  // namespace rl
