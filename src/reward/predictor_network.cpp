#include "reward/predictor_network.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "kernels/dropout.h"

namespace reward {
namespace {

// [B, 4d]: sums of the embeddings of items and of words, each liked or not known, and disliked.
torch::Tensor embed_states(const std::vector<recommend::RankContext>& states,
                           const model::ParameterSet& p) {
  const torch::Tensor &items = p.at("items"), &words = p.at("words");
  const auto bag = [&](const torch::Tensor& table, const auto& numbers_of) {
    std::vector<std::int64_t> numbers, offsets;
    std::vector<float> weights;
    for (const recommend::RankContext& state : states) {
      offsets.push_back(static_cast<std::int64_t>(numbers.size()));
      const std::vector<int> own = numbers_of(state);
      for (int number : own) {
        numbers.push_back(number);
        weights.push_back(1 / std::sqrt(static_cast<float>(own.size()) + 1));
      }
    }
    if (numbers.empty())
      return torch::zeros({static_cast<std::int64_t>(states.size()), table.size(1)});
    return std::get<0>(at::embedding_bag(table, torch::tensor(numbers, torch::kInt64),
                                         torch::tensor(offsets, torch::kInt64), false, /*sum*/ 0,
                                         false, torch::tensor(weights)));
  };
  const auto items_where = [](const recommend::RankContext& state, bool disliked) {
    std::vector<int> out;
    for (const dialogue::KnownItem& known : state.items)
      if ((known.polarity == dialogue::Polarity::disliked) == disliked) out.push_back(known.item);
    return out;
  };
  const auto words_where = [](const recommend::RankContext& state, bool disliked) {
    if (disliked) return state.disliked_words;
    std::vector<int> out;
    for (int word : state.words)
      if (!std::count(state.disliked_words.begin(), state.disliked_words.end(), word))
        out.push_back(word);
    return out;
  };
  return at::cat({bag(items, [&](const auto& s) { return items_where(s, false); }),
                  bag(items, [&](const auto& s) { return items_where(s, true); }),
                  bag(words, [&](const auto& s) { return words_where(s, false); }),
                  bag(words, [&](const auto& s) { return words_where(s, true); })},
                 1);
}

// The weights of all words, [2W, heads]: first as liked, then as disliked ones.
torch::Tensor match_weights(const model::ParameterSet& p) {
  const torch::Tensor &own = p.at("match.words"), &all = p.at("match.all");
  return (own.view({2, -1, kHeads}) + all.unsqueeze(1)).view({-1, kHeads});
}

}  // namespace

model::ParameterSet start_member(const torch::Tensor& embeddings, std::int64_t items,
                                 std::uint64_t seed) {
  model::ParameterSet p;
  const std::int64_t d = embeddings.size(1), hidden = 64, inputs = 4 * d + 2;
  p.add("items", embeddings.narrow(0, 0, items).clone());
  p.add("words", embeddings.narrow(0, items, embeddings.size(0) - items).clone());
  p.add("norm.weight", torch::ones({4 * d}));
  p.add("norm.bias", torch::zeros({4 * d}));
  p.add("hidden.weight", model::normal_values({hidden, inputs}, 1 / std::sqrt(1. * inputs),
                                              {.seed = seed, .stage = "reward/hidden"}));
  p.add("hidden.bias", torch::zeros({hidden}));
  p.add("heads.weight", model::normal_values({kHeads * d, hidden}, .1 / std::sqrt(1. * hidden),
                                             {.seed = seed, .stage = "reward/heads"}));
  p.add("facts.weight", torch::zeros({kHeads, kItemFeatures}));
  p.add("constants.weight", torch::zeros({kHeads, hidden}));
  p.add("constants.bias", torch::zeros({kHeads}));
  // Rows: a word that is liked, one that is disliked.
  p.add("match.words", torch::zeros({2 * (embeddings.size(0) - items), kHeads}));
  p.add("match.all", torch::zeros({2, kHeads}));
  return p;
}

std::vector<std::string> member_parameters() {
  return {"items",       "words",        "norm.weight",  "norm.bias",        "hidden.weight",
          "hidden.bias", "heads.weight", "facts.weight", "constants.weight", "constants.bias",
          "match.words", "match.all"};
}

EncodedStates encode_states(const std::vector<recommend::RankContext>& states,
                            const model::ParameterSet& p, double dropout, std::uint64_t key) {
  const std::int64_t d = p.at("items").size(1);
  torch::Tensor turns = torch::empty({static_cast<std::int64_t>(states.size()), 2});
  for (std::size_t b = 0; b < states.size(); ++b) {
    turns[static_cast<std::int64_t>(b)][0] = std::log1p(static_cast<float>(states[b].turns));
    turns[static_cast<std::int64_t>(b)][1] = std::log1p(static_cast<float>(states[b].items.size()));
  }
  torch::Tensor x = embed_states(states, p);
  const torch::Tensor sum =
      x.narrow(1, 0, d) - x.narrow(1, d, d) + x.narrow(1, 2 * d, d) - x.narrow(1, 3 * d, d);
  x = at::layer_norm(x, {4 * d}, p.at("norm.weight"), p.at("norm.bias"));
  x = kernels::with_dropout(at::cat({x, turns}, 1), dropout, key);
  const torch::Tensor h = at::gelu(at::linear(x, p.at("hidden.weight"), p.at("hidden.bias")));
  const torch::Tensor u =
      at::linear(h, p.at("heads.weight")).view({-1, kHeads, d}) + sum.unsqueeze(1);
  return {u, at::linear(h, p.at("constants.weight"), p.at("constants.bias"))};
}

ItemWords side_by_side(const std::vector<std::vector<int>>& words) {
  std::vector<std::int64_t> numbers, offsets;
  for (const std::vector<int>& own : words) {
    offsets.push_back(static_cast<std::int64_t>(numbers.size()));
    numbers.insert(numbers.end(), own.begin(), own.end());
  }
  return {torch::tensor(numbers, torch::kInt64), torch::tensor(offsets, torch::kInt64)};
}

torch::Tensor item_vectors(const model::ParameterSet& p, const ItemWords& words) {
  if (words.numbers.numel() == 0) return p.at("items");
  const torch::Tensor ends = at::cat({words.offsets.narrow(0, 1, words.offsets.size(0) - 1),
                                      torch::tensor({words.numbers.numel()})});
  const torch::Tensor sums =
      std::get<0>(at::embedding_bag(p.at("words"), words.numbers, words.offsets));
  return p.at("items") +
         sums / ((ends - words.offsets).to(torch::kFloat32) + 1).sqrt().unsqueeze(1);
}

torch::Tensor match_pairs(const std::vector<recommend::RankContext>& states,
                          const std::vector<const std::vector<int>*>& words,
                          const model::ParameterSet& p) {
  const std::int64_t known = p.at("match.words").size(0) / 2;
  std::vector<std::int64_t> rows, offsets;
  for (std::size_t b = 0; b < states.size(); ++b) {
    offsets.push_back(static_cast<std::int64_t>(rows.size()));
    const auto add = [&](const std::vector<int>& said, std::int64_t first) {
      for (int word : *words[b])
        if (std::count(said.begin(), said.end(), word)) rows.push_back(first + word);
    };
    add(states[b].liked_words, 0);
    add(states[b].disliked_words, known);
  }
  if (rows.empty()) return torch::zeros({static_cast<std::int64_t>(states.size()), kHeads});
  return std::get<0>(at::embedding_bag(match_weights(p), torch::tensor(rows, torch::kInt64),
                                       torch::tensor(offsets, torch::kInt64)));
}

torch::Tensor match_items(const std::vector<recommend::RankContext>& states, const ItemWords& words,
                          Head head, const model::ParameterSet& p) {
  const auto batch = static_cast<std::int64_t>(states.size());
  const torch::Tensor weights = match_weights(p).select(1, static_cast<std::int64_t>(head));
  const std::int64_t known = weights.size(0) / 2;
  if (words.numbers.numel() == 0) return torch::zeros({batch, words.offsets.size(0)});
  const torch::Tensor contiguous = weights.contiguous();
  const float* weight = contiguous.data_ptr<float>();
  torch::Tensor said = torch::zeros({known, batch});
  for (std::int64_t b = 0; b < batch; ++b) {
    const auto add = [&](const std::vector<int>& own, std::int64_t first) {
      for (int word : own) said.data_ptr<float>()[word * batch + b] += weight[first + word];
    };
    add(states[static_cast<std::size_t>(b)].liked_words, 0);
    add(states[static_cast<std::size_t>(b)].disliked_words, known);
  }
  return std::get<0>(at::embedding_bag(said, words.numbers, words.offsets)).t();  // [B, N]
}

}  // namespace reward
