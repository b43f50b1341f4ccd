#pragma once

#include <cstdint>
#include <vector>

#include "rl/token_policy.h"

namespace rl {

// Replies over a plain vocabulary: every token is one of the first `rows`, there are no modes,
// items or ends, and a reply ends at its length. The trainer's tasks with known answers are of this
// kind; its settings need learn_mode, for the first token is one like all others.
TokenScorer plain_scorer(std::int64_t rows);

struct PlainSampling {
  std::int64_t rows = 0;  // tokens that may be drawn: 0 … rows - 1
  int length = 0;         // of a reply
  double temperature = 1;
  std::uint64_t seed = 0;  // reply i is drawn from stream i
};

// One reply a prompt, by the decoder and its cache. No gradient.
std::vector<Episode> sample_plain(const model::Weights& weights,
                                  const std::vector<std::vector<int>>& prompts,
                                  const PlainSampling& sampling);

}  // namespace rl
