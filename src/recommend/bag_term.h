#pragma once

#include <cstdint>
#include <vector>

#include "model/parameters.h"
#include "recommend/context.h"
#include "recommend/counts.h"

namespace recommend {

struct BagSettings {
  int width = 96;            // d
  double dropout = .4;       // of the joined bags
  double word_dropout = .3;  // words left out of a training context
  double item_dropout = .2;

  template <class F>
  void fields(F&& field) {
    field("width", width, "numbers an item or word is embedded in");
    field("dropout", dropout, "of the joined bags");
    field("word_dropout", word_dropout, "share of a training context's words left out");
    field("item_dropout", item_dropout, "share of a training context's items left out");
  }
};

// Which contexts, and how they are thinned out while training (none: not training).
struct BagInput {
  const std::vector<RankContext>& contexts;
  const BagSettings* thin_out = nullptr;
  std::uint64_t key = 0;  // decides what is left out
};

// A small network over a context's words and items, h -> h.E^T with one embedding an item for input
// and output. Three bags (all words, words of the last two turns, items by recency), each a sum
// divided by sqrt(n + 1), joined, normalised, 128 GELU units, back to d, plus the sum of the bags.
class BagTerm {
 public:
  // Embeddings of items and words start from an SVD of the positive pointwise mutual information of
  // [items; words] x items; everything else from N(0, 1/fan-in), a function of the seed.
  BagTerm(const BagSettings& settings, const Counts& counts, std::uint64_t seed,
          model::ParameterSet& parameters);
  // Takes parameters that are there.
  BagTerm(const BagSettings& settings, model::ParameterSet& parameters);

  // [B, N], differentiable.
  torch::Tensor scores(const BagInput& input) const;

 private:
  BagSettings settings_;
  const model::ParameterSet& parameters_;
};

// The starting embeddings, [items + words, d], of deviation .12: U sqrt(S) of max(0, log(C n_ab /
// ((n_a + 5)(n_b + 5)))), words weighted .5. Exposed for other modules that embed items.
torch::Tensor embed_by_counts(const Counts& counts, int width, std::uint64_t seed);

}  // namespace recommend
