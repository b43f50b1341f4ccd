#pragma once

#include <cstdint>
#include <vector>

#include "model/parameters.h"
#include "recommend/context.h"
#include "reward/item_facts.h"

namespace reward {

// The network of one member of a predictor, as plain functions of its parameters: training and
// scoring are made of these.

// New parameters. embeddings: [items + words, width], a start for both tables.
model::ParameterSet start_member(const torch::Tensor& embeddings, std::int64_t items,
                                 std::uint64_t seed);
std::vector<std::string> member_parameters();  // their names

struct EncodedStates {
  torch::Tensor u;  // [B, heads, d]
  torch::Tensor c;  // [B, heads]
};
// dropout 0: none; `key` decides what is dropped. Differentiable.
EncodedStates encode_states(const std::vector<recommend::RankContext>& states,
                            const model::ParameterSet& parameters, double dropout = 0,
                            std::uint64_t key = 0);

// The items' words side by side: numbers [M], and where each item's begin, [N].
struct ItemWords {
  torch::Tensor numbers, offsets;
};
ItemWords side_by_side(const std::vector<std::vector<int>>& words);

// [N, d]: every item's own embedding plus those of its words. Differentiable.
torch::Tensor item_vectors(const model::ParameterSet& parameters, const ItemWords& words);

// What the seeker said in so many words: each word that an item shares with the sentences that like
// or dislike adds a weight of its own and one shared by all words. Of pairs, [B, heads], words[b]
// being those of the item of states[b]; differentiable. And of one head for all items, [B, N].
torch::Tensor match_pairs(const std::vector<recommend::RankContext>& states,
                          const std::vector<const std::vector<int>*>& words,
                          const model::ParameterSet& parameters);
torch::Tensor match_items(const std::vector<recommend::RankContext>& states, const ItemWords& words,
                          Head head, const model::ParameterSet& parameters);

}  // namespace reward
