#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/parameters.h"
#include "recommend/context.h"
#include "recommend/tables.h"

namespace recommend {

struct BagSettings {
  int width = 96;            // d
  bool features = true;      // items are embedded by what is known of them too
  double dropout = .4;       // of the joined bags
  double word_dropout = .3;  // words left out of a training context
  double item_dropout = .2;

  template <class F>
  void fields(F&& field) {
    field("width", width, "numbers an item or word is embedded in");
    field("features", features, "embed items by people, genres, years and words of plots too");
    field("dropout", dropout, "of the joined bags");
    field("word_dropout", word_dropout, "share of a training context's words left out");
    field("item_dropout", item_dropout, "share of a training context's items left out");
  }
};

// Which contexts, who is about to speak (one a context; empty: the recommender in all), and how
// they are thinned out while training (none: not training).
struct BagInput {
  const std::vector<RankContext>& contexts;
  const std::vector<dialogue::Role>& speakers;
  const BagSettings* thin_out = nullptr;
  std::uint64_t key = 0;  // decides what is left out
};

// A small network over a context's words and items, h -> h.E^T with one embedding an item for input
// and output. Four bags, each a sum divided by sqrt(n + 1): all words; words of the last two turns;
// items, weighted by recency, by who named them and by what was said of them; people and genres
// named. Joined with the speaker's role, normalised, 128 GELU units, back to d, plus the sum of the
// bags. An item's embedding is a free vector plus the scaled mean of its features' vectors
// (entities, year, words of title and plot), so that an item without counts has one too.
class BagTerm {
 public:
  // Embeddings of items and words start from an SVD of the positive pointwise mutual information of
  // [items; words] x items, those of entities and years from the mean of their items; everything
  // else from N(0, 1/fan-in), a function of the seed. Parameters are named PREFIX + "bag.…".
  static void add_parameters(const BagSettings& settings, const RankerTables& tables,
                             const torch::Tensor& start, std::uint64_t seed,
                             const std::string& prefix, model::ParameterSet& parameters);

  // Takes parameters that are there.
  BagTerm(const BagSettings& settings, const RankerTables& tables, std::string prefix,
          const model::ParameterSet& parameters);

  // [N, d], differentiable.
  torch::Tensor items() const;
  // [B, N], differentiable. items: what items() gives.
  torch::Tensor scores(const BagInput& input, const torch::Tensor& items) const;

 private:
  const torch::Tensor& value(const char* name) const;

  BagSettings settings_;
  const RankerTables& tables_;
  std::string prefix_;
  const model::ParameterSet& parameters_;
};

// The starting embeddings, [items + words, d], of deviation .12: U sqrt(S) of max(0, log(C n_ab /
// ((n_a + 5)(n_b + 5)))), words weighted .5. Exposed for other modules that embed items.
torch::Tensor embed_by_counts(const Counts& counts, int width, std::uint64_t seed);

}  // namespace recommend
