#pragma once

#include <string>
#include <vector>

#include "recommend/context.h"
#include "recommend/counts.h"

namespace recommend {

// Scores of the whole catalogue that are counted, not learned. `without`: the dialogue that the
// context comes from, taken out of the counts while training on it; null at any other time. row:
// [N], overwritten. Formulas: docs/metrics.md.
using Prior = void (*)(const RankContext& context, const Counts& counts,
                       const DialogueCounts* without, float* row);

// log(.02 + sum over items m named so far of n(m, r) / sqrt((n_m + 5)(pop_r + 5))).
void cooccurrence_prior(const RankContext& context, const Counts& counts,
                        const DialogueCounts* without, float* row);

// log(3e-4 + sum over words w said so far of n(w, r) / (sqrt(n_w + 20) log(3 + n_w)) / sqrt(pop_r +
// 5)).
void word_prior(const RankContext& context, const Counts& counts, const DialogueCounts* without,
                float* row);

// log(1 + pop_r).
void popularity_prior(const RankContext& context, const Counts& counts,
                      const DialogueCounts* without, float* row);

// log(.5 + recommendations in the last 1,500 training dialogues).
void recent_popularity_prior(const RankContext& context, const Counts& counts,
                             const DialogueCounts* without, float* row);

struct NamedPrior {
  std::string name;
  Prior prior;
};
// All priors there are: "cooccurrence", "words", "popularity", "recent_popularity".
const std::vector<NamedPrior>& all_priors();

}  // namespace recommend
