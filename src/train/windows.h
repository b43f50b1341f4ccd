#pragma once

#include <cstdint>
#include <vector>

#include "dialogue/dialogue.h"
#include "dialogue/state.h"
#include "train/tokens.h"

namespace train {

// A training sequence. weights[t] is how much the prediction of ids[t] from the tokens before it
// counts in the loss; 0: context only. weights[0] is 0.
struct Sequence {
  std::vector<int> ids;
  std::vector<float> weights;
  std::vector<dialogue::Piece::Part> parts;  // which part of an action each token is
};

struct WindowOptions {
  int max_tokens = 256;       // of one sequence
  double seeker_weight = .5;  // of the seeker's words in the loss
  dialogue::StateOptions state;
};

// Cuts a dialogue into sequences at turns, so that each turn stands in exactly one: as many turns
// as fit, then the next sequence, with the items named so far in front. A turn that alone is too
// long loses its end. Sequences in which nothing counts are left out.
std::vector<Sequence> windows(const dialogue::Dialogue& dialogue, const DialogueTokens& tokens,
                              const WindowOptions& options);

// The sequences of one epoch put into batches of at most `max_tokens` tokens each (one longer
// sequence makes a batch of its own), in an order that is a function of (seed, epoch): indices into
// `sequences`.
std::vector<std::vector<std::size_t>> batches(const std::vector<Sequence>& sequences,
                                              int max_tokens, std::uint64_t seed,
                                              std::uint64_t epoch);

}  // namespace train
