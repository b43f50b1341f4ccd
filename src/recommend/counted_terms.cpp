#include "recommend/counted_terms.h"

#include <algorithm>
#include <cmath>

namespace recommend {
namespace {

constexpr double kWordFloor = 3e-4, kItemFloor = .02;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

const DialogueCounts* own_of(const CountedInput& input, std::size_t b) {
  return input.without.empty() ? nullptr : input.without[b];
}

// Rows being collected, with the places of their weights.
struct Rows {
  std::vector<std::int64_t> begins = {0}, owners;
  std::vector<int> columns;
  std::vector<float> values;
  std::vector<std::int64_t> first, second, third;  // places in up to three tables of weights

  void add(int item, float value) {
    columns.push_back(item);
    values.push_back(value);
  }
  void end_row(std::size_t owner) {
    owners.push_back(static_cast<std::int64_t>(owner));
    begins.push_back(static_cast<std::int64_t>(columns.size()));
  }
  kernels::SparseRows sparse() const {
    return {torch::tensor(begins, torch::kInt64), torch::tensor(owners, torch::kInt64),
            torch::tensor(columns, torch::kInt32), torch::tensor(values)};
  }
};

torch::Tensor places(const std::vector<std::int64_t>& numbers) {
  return torch::tensor(numbers, torch::kInt64);
}

// [B, N]: 1 / sqrt(pop_r + 5), each context's own dialogue taken out.
torch::Tensor popularity_scale(const CountedInput& input, const Counts& counts) {
  torch::Tensor popularity = torch::tensor(counts.recommended())
                                 .unsqueeze(0)
                                 .repeat({static_cast<std::int64_t>(input.contexts.size()), 1});
  for (std::size_t b = 0; b < input.contexts.size(); ++b)
    if (const DialogueCounts* own = own_of(input, b)) {
      float* row = popularity.data_ptr<float>() + b * at(counts.items());
      for (int item : own->recommended) row[item] = std::max(0.f, row[item] - 1);
    }
  return (popularity + 5).rsqrt();
}

torch::Tensor log_scores(const torch::Tensor& weights, const Rows& rows, const CountedInput& input,
                         const Counts& counts, const torch::Tensor& floor) {
  const torch::Tensor sums = kernels::sum_sparse_rows(
      weights, rows.sparse(), static_cast<std::int64_t>(input.contexts.size()), counts.items());
  return at::log(floor.exp() + sums.clamp_min(0) * popularity_scale(input, counts));
}

// What item m's row adds, scaled: the dialogues naming both, without the own one.
void add_item_row(Rows& rows, int m, float scale, const Counts& counts, const DialogueCounts* own) {
  const bool named = own && std::find(own->items.begin(), own->items.end(), m) != own->items.end();
  scale /= std::sqrt(counts.named()[at(m)] - (named ? 1.f : 0.f) + 5);
  for (const auto& [item, count] : counts.with_item(m)) rows.add(item, scale * count);
  if (named)
    for (int item : own->items)
      if (item != m) rows.add(item, -scale);
}

// The same with a weight of 1 for every row and the floor of items.
torch::Tensor unweighted_scores(const Rows& rows, const CountedInput& input, const Counts& counts) {
  return log_scores(torch::ones({static_cast<std::int64_t>(rows.owners.size())}), rows, input,
                    counts, torch::tensor({static_cast<float>(std::log(kItemFloor))}));
}

}  // namespace

int recency_rank(const RankContext& context, std::size_t index) {
  return std::min(static_cast<int>(context.items.size() - 1 - index), kRecencyRanks - 1);
}

int item_kind(const dialogue::KnownItem& known) {
  return 3 * (known.by == dialogue::Role::recommender) + static_cast<int>(known.polarity);
}

void add_word_parameters(const RankerTables& tables, model::ParameterSet& parameters) {
  parameters.add("words.weights", torch::zeros({tables.words.size()}));
  parameters.add("words.recent", torch::zeros({2}));
  parameters.add("words.floor", torch::tensor({static_cast<float>(std::log(kWordFloor))}));
}

void add_cooccurrence_parameters(const RankerTables& tables, model::ParameterSet& parameters) {
  parameters.add("cooccurrence.weights", torch::zeros({tables.counts.items()}));
  parameters.add("cooccurrence.recency", torch::zeros({kRecencyRanks}));
  parameters.add("cooccurrence.kinds", torch::zeros({kItemKinds}));
  parameters.add("cooccurrence.floor", torch::tensor({static_cast<float>(std::log(kItemFloor))}));
}

torch::Tensor word_scores(const CountedInput& input, const RankerTables& tables,
                          const model::ParameterSet& parameters) {
  const Counts& counts = tables.counts;
  Rows rows;
  for (std::size_t b = 0; b < input.contexts.size(); ++b) {
    const RankContext& context = input.contexts[b];
    const DialogueCounts* own = own_of(input, b);
    for (int word : context.words) {
      float total = counts.word_total(word);
      const auto [from, to] = own ? own->pairs_of(word) : DialogueCounts::Pairs{};
      total -= static_cast<float>(to - from);
      if (total <= 0) continue;
      const float scale = 1 / (std::sqrt(total + 20) * std::log(3 + total));
      for (const auto& [item, count] : counts.with_word(word)) rows.add(item, scale * count);
      for (auto pair = from; pair != to; ++pair) rows.add(pair->second, -scale);
      rows.end_row(b);
      rows.first.push_back(word);
      rows.second.push_back(std::find(context.recent_words.begin(), context.recent_words.end(),
                                      word) != context.recent_words.end());
    }
  }
  const torch::Tensor weights =
      (parameters.at("words.weights").index_select(0, places(rows.first)) +
       parameters.at("words.recent").index_select(0, places(rows.second)))
          .exp();
  return log_scores(weights, rows, input, counts, parameters.at("words.floor"));
}

torch::Tensor cooccurrence_scores(const CountedInput& input, const RankerTables& tables,
                                  const model::ParameterSet& parameters) {
  Rows rows;
  for (std::size_t b = 0; b < input.contexts.size(); ++b) {
    const RankContext& context = input.contexts[b];
    for (std::size_t i = 0; i < context.items.size(); ++i) {
      const dialogue::KnownItem& known = context.items[i];
      add_item_row(rows, known.item, 1, tables.counts, own_of(input, b));
      rows.end_row(b);
      rows.first.push_back(known.item);
      rows.second.push_back(recency_rank(context, i));
      rows.third.push_back(item_kind(known));
    }
  }
  const torch::Tensor weights =
      (parameters.at("cooccurrence.weights").index_select(0, places(rows.first)) +
       parameters.at("cooccurrence.recency").index_select(0, places(rows.second)) +
       parameters.at("cooccurrence.kinds").index_select(0, places(rows.third)))
          .exp();
  return log_scores(weights, rows, input, tables.counts, parameters.at("cooccurrence.floor"));
}

torch::Tensor similar_scores(const CountedInput& input, const RankerTables& tables) {
  Rows rows;
  for (std::size_t b = 0; b < input.contexts.size(); ++b) {
    for (const dialogue::KnownItem& known : input.contexts[b].items)
      for (const auto& [other, share] : tables.similar[at(known.item)])
        add_item_row(rows, other, share, tables.counts, own_of(input, b));
    rows.end_row(b);
  }
  return unweighted_scores(rows, input, tables.counts);
}

torch::Tensor last_scores(const CountedInput& input, const RankerTables& tables) {
  Rows rows;
  for (std::size_t b = 0; b < input.contexts.size(); ++b) {
    const RankContext& context = input.contexts[b];
    if (!context.items.empty())
      add_item_row(rows, context.items.back().item, 1, tables.counts, own_of(input, b));
    rows.end_row(b);
  }
  return unweighted_scores(rows, input, tables.counts);
}

}  // namespace recommend
