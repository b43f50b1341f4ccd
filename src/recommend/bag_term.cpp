#include "recommend/bag_term.h"

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "kernels/dropout.h"
#include "kernels/row_products.h"
#include "recommend/counted_terms.h"

namespace recommend {
namespace {

constexpr int kUnits = 128;
constexpr int kRoles = 2;

// Numbers of several contexts side by side, with a weight each, as embedding_bag takes them.
struct Bags {
  std::vector<std::int64_t> numbers, offsets;
  std::vector<float> weights;
  void begin() { offsets.push_back(static_cast<std::int64_t>(numbers.size())); }
  void add(int number, float weight) {
    numbers.push_back(number);
    weights.push_back(weight);
  }
};

// [B, d]: the weighted sums of the table's rows; row_weights scales each row of the table where it
// is given.
torch::Tensor sum_bags(const torch::Tensor& table, const Bags& bags,
                       const torch::Tensor& row_weights) {
  if (bags.numbers.empty())
    return torch::zeros({static_cast<std::int64_t>(bags.offsets.size()), table.size(1)});
  const torch::Tensor numbers = torch::tensor(bags.numbers, torch::kInt64);
  torch::Tensor weights = torch::tensor(bags.weights);
  if (row_weights.defined()) weights = weights * row_weights.index_select(0, numbers);
  return std::get<0>(at::embedding_bag(table, numbers, torch::tensor(bags.offsets, torch::kInt64),
                                       false, /*sum*/ 0, false, weights));
}

void add_bag(Bags& bags, const std::vector<int>& numbers, double drop, base::Random& random) {
  bags.begin();
  std::vector<int> kept;
  for (int number : numbers)
    if (drop == 0 || !random.chance(drop)) kept.push_back(number);
  for (int number : kept) bags.add(number, 1 / std::sqrt(static_cast<float>(kept.size()) + 1));
}

// Items with the places of their two learned weights: by recency and by kind.
struct ItemBags {
  Bags bags;
  std::vector<std::int64_t> ranks, kinds;
};

void add_items(ItemBags& to, const RankContext& context, double drop, base::Random& random) {
  to.bags.begin();
  const float scale = 1 / std::sqrt(static_cast<float>(context.items.size()) + 1);
  for (std::size_t i = 0; i < context.items.size(); ++i) {
    if (drop > 0 && random.chance(drop)) continue;
    to.bags.add(context.items[i].item, scale);
    to.ranks.push_back(recency_rank(context, i));
    to.kinds.push_back(item_kind(context.items[i]));
  }
}

torch::Tensor indices(const std::vector<std::int64_t>& values) {
  return torch::tensor(values, torch::kInt64);
}

// [N, d]: the mean of the table's rows that each bag names, zeros where it names none; row_weights
// scales each row of the table where it is given.
torch::Tensor mean_rows(const torch::Tensor& table, const FeatureBags& bags,
                        const torch::Tensor& row_weights = {}) {
  if (bags.numbers.numel() == 0) return torch::zeros({bags.offsets.size(0), table.size(1)});
  torch::Tensor weights = bags.weights;
  if (row_weights.defined()) weights = weights * row_weights.index_select(0, bags.numbers);
  return std::get<0>(
      at::embedding_bag(table, bags.numbers, bags.offsets, false, /*sum*/ 0, false, weights));
}

FeatureBags items_by_year(const RankerTables& tables) {
  std::vector<std::vector<int>> by_year(kYearBuckets);
  const auto* years = tables.item_years.data_ptr<std::int64_t>();
  for (int i = 0; i < tables.counts.items(); ++i)
    by_year[static_cast<std::size_t>(years[i])].push_back(i);
  return FeatureBags::of(by_year);
}

FeatureBags items_of_entities(const Entities& entities) {
  std::vector<std::vector<int>> lists;
  for (int e = 0; e < entities.size(); ++e) lists.push_back(entities.items(e));
  return FeatureBags::of(lists);
}

}  // namespace

torch::Tensor embed_by_counts(const Counts& counts, int width, std::uint64_t seed) {
  const std::int64_t items = counts.items(), words = counts.words();
  torch::Tensor matrix = torch::zeros({items + words, items});
  float* cells = matrix.data_ptr<float>();
  const auto fill = [&](std::int64_t row, const Counts::Row& entries, float weight) {
    for (const auto& [item, count] : entries) cells[row * items + item] = weight * count;
  };
  for (std::int64_t i = 0; i < items; ++i) fill(i, counts.with_item(static_cast<int>(i)), 1);
  for (std::int64_t w = 0; w < words; ++w)
    fill(items + w, counts.with_word(static_cast<int>(w)), 1);
  const torch::Tensor row_sums = matrix.sum(1, true), column_sums = matrix.sum(0, true);
  const torch::Tensor total = matrix.sum();
  matrix = at::log(matrix * total / ((row_sums + 5) * (column_sums + 5)) + 1e-12).clamp_min(0);
  matrix.narrow(0, items, words).mul_(.5);
  // Randomised SVD (Halko et al. 2011): three power iterations on a random start.
  const std::int64_t rank = std::min<std::int64_t>(width, items),
                     probes = std::min<std::int64_t>(rank + 16, items);
  torch::Tensor basis = std::get<0>(at::linalg_qr(
      at::mm(matrix, model::normal_values({items, probes}, 1, {.seed = seed, .stage = "svd"}))));
  for (int i = 0; i < 3; ++i)
    basis = std::get<0>(at::linalg_qr(at::mm(matrix, at::mm(matrix.t(), basis))));
  const auto [u, s, v] = at::linalg_svd(at::mm(basis.t(), matrix), false);
  torch::Tensor rows = at::mm(basis, u.narrow(1, 0, rank)) * s.narrow(0, 0, rank).sqrt();
  const double deviation = rows.std().item<double>();
  if (deviation > 0) rows = rows * (.12 / deviation);
  if (rank == width) return rows.contiguous();
  return at::cat({rows, model::normal_values({items + words, width - rank}, .02,
                                             {.seed = seed, .stage = "embedding"})},
                 1);
}

void BagTerm::add_parameters(const BagSettings& settings, const RankerTables& tables,
                             const torch::Tensor& start, std::uint64_t seed,
                             const std::string& prefix, model::ParameterSet& parameters) {
  const std::int64_t d = settings.width, items = tables.counts.items(),
                     words = tables.counts.words(), joined = 4 * d + kRoles;
  const auto add = [&](const char* name, torch::Tensor value) {
    parameters.add(prefix + "bag." + name, std::move(value));
  };
  const torch::Tensor item_start = start.narrow(0, 0, items);
  add("items", item_start.clone());
  add("words", start.narrow(0, items, words).clone());
  add("recent_words", start.narrow(0, items, words).clone());
  torch::Tensor rarity = torch::ones({words});  // rarer words say more
  for (std::int64_t w = 0; w < words; ++w)
    rarity[w] = 1 / std::log(3 + std::sqrt(tables.counts.word_total(static_cast<int>(w))));
  add("word_weights", rarity);
  add("rank_weights", at::pow(torch::full({kRecencyRanks}, .8), at::arange(kRecencyRanks)));
  add("kind_weights", torch::ones({kItemKinds}));
  add("entities", mean_rows(item_start, items_of_entities(tables.entities)));
  add("years", mean_rows(item_start, items_by_year(tables)));
  add("feature_weights", settings.features ? torch::tensor({.5f, .2f, .2f}) : torch::zeros({3}));
  add("norm_in.weight", torch::ones({joined}));
  add("norm_in.bias", torch::zeros({joined}));
  add("units.weight",
      model::normal_values({kUnits, joined}, 1 / std::sqrt(static_cast<double>(joined)),
                           {.seed = seed, .stage = "units"}));
  add("units.bias", torch::zeros({kUnits}));
  add("back.weight", model::normal_values({d, kUnits}, .5 / std::sqrt(1. * kUnits),
                                          {.seed = seed, .stage = "back"}));
  add("back.bias", torch::zeros({d}));
  add("norm_out.weight", torch::ones({d}));
  add("norm_out.bias", torch::zeros({d}));
}

BagTerm::BagTerm(const BagSettings& settings, const RankerTables& tables, std::string prefix,
                 const model::ParameterSet& parameters)
    : settings_(settings), tables_(tables), prefix_(std::move(prefix)), parameters_(parameters) {}

const torch::Tensor& BagTerm::value(const char* name) const {
  return parameters_.at(prefix_ + "bag." + name);
}

torch::Tensor BagTerm::items() const {
  if (!settings_.features) return value("items");
  const torch::Tensor& weights = value("feature_weights");
  return value("items") + weights[0] * mean_rows(value("entities"), tables_.item_entities) +
         weights[1] * value("years").index_select(0, tables_.item_years) +
         weights[2] * mean_rows(value("words"), tables_.item_words, value("word_weights"));
}

torch::Tensor BagTerm::scores(const BagInput& input, const torch::Tensor& item_table) const {
  const bool training = input.thin_out != nullptr;
  base::Random random({.seed = input.key, .stage = "bag"});
  const double word_drop = training ? settings_.word_dropout : 0,
               item_drop = training ? settings_.item_dropout : 0;
  Bags words, recent, entities;
  ItemBags items;
  for (const RankContext& context : input.contexts) {
    add_bag(words, context.words, word_drop, random);
    add_bag(recent, context.recent_words, word_drop, random);
    add_bag(entities, context.entities, word_drop, random);
    add_items(items, context, item_drop, random);
  }
  const std::int64_t batch = static_cast<std::int64_t>(input.contexts.size()), d = settings_.width;
  const torch::Tensor none;
  const torch::Tensor word_bag = sum_bags(value("words"), words, value("word_weights")),
                      recent_bag = sum_bags(value("recent_words"), recent, value("word_weights")),
                      entity_bag = sum_bags(value("entities"), entities, none);  // [B, d] each
  torch::Tensor item_bag = torch::zeros({batch, d});
  if (!items.ranks.empty()) {
    const torch::Tensor weights = torch::tensor(items.bags.weights) *
                                  value("rank_weights").index_select(0, indices(items.ranks)) *
                                  value("kind_weights").index_select(0, indices(items.kinds));
    item_bag = std::get<0>(at::embedding_bag(item_table, indices(items.bags.numbers),
                                             indices(items.bags.offsets), false, /*sum*/ 0, false,
                                             weights));
  }
  torch::Tensor speakers = torch::zeros({batch, kRoles});
  for (std::size_t b = 0; b < input.contexts.size(); ++b)
    speakers.data_ptr<float>()[2 * b + (!input.speakers.empty() &&
                                        input.speakers[b] == dialogue::Role::seeker)] = 1;
  torch::Tensor joined = at::cat({word_bag, recent_bag, item_bag, entity_bag, speakers}, 1);
  joined = at::layer_norm(joined, {joined.size(1)}, value("norm_in.weight"), value("norm_in.bias"));
  joined = kernels::with_dropout(joined, training ? settings_.dropout : 0, input.key);
  torch::Tensor h =
      at::linear(at::gelu(at::linear(joined, value("units.weight"), value("units.bias"))),
                 value("back.weight"), value("back.bias"));
  h = at::layer_norm(h + word_bag + recent_bag + item_bag + entity_bag, {d},
                     value("norm_out.weight"), value("norm_out.bias"));
  return kernels::row_products(h, item_table);  // [B, N]
}

}  // namespace recommend
