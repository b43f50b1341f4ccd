#pragma once

#include <vector>

#include "kernels/sparse_rows.h"
#include "model/parameters.h"
#include "recommend/context.h"
#include "recommend/tables.h"

namespace recommend {

// Terms of the ranker that count and learn how much each thing said counts:
//
//   words         log(f + sum over words w said so far of a_w n(w, r) / (sqrt(n_w + 20) log(3 +
//   n_w)
//                 sqrt(pop_r + 5))), a_w = exp(weight of the word + weight of "in the last two
//                 turns")
//   cooccurrence  log(f + sum over items m named so far of a_m n(m, r) / sqrt((n_m + 5)(pop_r +
//   5))),
//                 a_m = exp(weight of the item + of its recency + of who named it and how it was
//                 liked)
//   similar       the second one over the 20 items that share most with each item named so far,
//                 each by its share, a = 1: what says something of items that were rarely named
//   last          the second one of the item named last, a = 1
//
// The counts are those of the training dialogues without the context's own while training, so the
// weights, one a word and item, cannot learn a dialogue by heart.
struct CountedInput {
  const std::vector<RankContext>& contexts;
  // One a context, or empty: its own dialogue, taken out of the counts.
  const std::vector<const DialogueCounts*>& without;
};

void add_word_parameters(const RankerTables& tables, model::ParameterSet& parameters);
void add_cooccurrence_parameters(const RankerTables& tables, model::ParameterSet& parameters);

// [B, N] each, differentiable in the parameters.
torch::Tensor word_scores(const CountedInput& input, const RankerTables& tables,
                          const model::ParameterSet& parameters);
torch::Tensor cooccurrence_scores(const CountedInput& input, const RankerTables& tables,
                                  const model::ParameterSet& parameters);
torch::Tensor similar_scores(const CountedInput& input, const RankerTables& tables);
torch::Tensor last_scores(const CountedInput& input, const RankerTables& tables);

// Where an item's recency and kind weights stand: 0 for the item named last, 11 for the twelfth and
// all before it; 0 to 2 for the seeker's (unknown, liked, disliked), 3 to 5 for the recommender's.
inline constexpr int kRecencyRanks = 12;
inline constexpr int kItemKinds = 6;
int recency_rank(const RankContext& context, std::size_t index);
int item_kind(const dialogue::KnownItem& known);

}  // namespace recommend
