#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dialogue/catalogue.h"
#include "dialogue/state.h"
#include "recommend/entities.h"

namespace recommend {

// What a recommended item must be.
struct Constraints {
  bool skip_named = true;         // nothing that was named in the dialogue
  bool skip_disliked = true;      // nothing that the seeker said to dislike
  std::optional<int> first_year;  // inclusive; an item without a year does not fit
  std::optional<int> last_year;
  std::vector<int> names;  // entities, all of which it must have
  std::vector<int> never;  // items
};

// Years and genres in the seeker's last words: "from the 90s", "1980s", "after 2010", "before
// 1990", "from 2015", "newer than 2012", "older than 1980"; names that at least 20 items share
// (genres). A name with "not", "no" or "hate" up to two words before it does not count.
Constraints stated_constraints(const dialogue::State& state, const Entities& entities);

// Whether an item is allowed.
bool fits(const Constraints& constraints, int item, const dialogue::State& state,
          const dialogue::Catalogue& catalogue, const Entities& entities);

// The `count` best items that fit, best first, from log-probabilities over the catalogue (fewer
// where fewer fit). diversity: 0 keeps the order; else maximal marginal relevance (Carbonell &
// Goldstein 1998): the next item has the highest (1 - diversity) p / p_best - diversity *
// the largest similarity to those chosen, similarity the Jaccard overlap of entities; in [0, 1].
std::vector<int> choose_items(const std::vector<float>& log_probs, const Constraints& constraints,
                              const dialogue::State& state, const dialogue::Catalogue& catalogue,
                              const Entities& entities, std::size_t count, double diversity);

}  // namespace recommend
