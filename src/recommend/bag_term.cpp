#include "recommend/bag_term.h"

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "kernels/dropout.h"

namespace recommend {
namespace {

constexpr int kUnits = 128;

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

// Later mentions weigh more: 1, .8, .64, … from the last backwards.
void add_items(Bags& bags, const std::vector<dialogue::KnownItem>& items, double drop,
               base::Random& random) {
  bags.begin();
  float weight = 1;
  const float scale = 1 / std::sqrt(static_cast<float>(items.size()) + 1);
  for (auto known = items.rbegin(); known != items.rend(); ++known, weight *= .8f)
    if (drop == 0 || !random.chance(drop)) bags.add(known->item, weight * scale);
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

BagTerm::BagTerm(const BagSettings& settings, const Counts& counts, std::uint64_t seed,
                 model::ParameterSet& parameters)
    : settings_(settings), parameters_(parameters) {
  const std::int64_t d = settings.width, items = counts.items(), words = counts.words();
  const torch::Tensor start = embed_by_counts(counts, settings.width, seed);
  parameters.add("bag.items", start.narrow(0, 0, items).clone());
  parameters.add("bag.words", start.narrow(0, items, words).clone());
  parameters.add("bag.recent_words", start.narrow(0, items, words).clone());
  torch::Tensor idf = torch::ones({words});  // rarer words say more
  for (std::int64_t w = 0; w < words; ++w)
    idf[w] = 1 / std::log(3 + std::sqrt(counts.word_total(static_cast<int>(w))));
  parameters.add("bag.word_weights", idf);
  parameters.add("bag.norm_in.weight", torch::ones({3 * d}));
  parameters.add("bag.norm_in.bias", torch::zeros({3 * d}));
  parameters.add("bag.units.weight", model::normal_values({kUnits, 3 * d}, 1 / std::sqrt(3. * d),
                                                          {.seed = seed, .stage = "units"}));
  parameters.add("bag.units.bias", torch::zeros({kUnits}));
  parameters.add("bag.back.weight", model::normal_values({d, kUnits}, .5 / std::sqrt(1. * kUnits),
                                                         {.seed = seed, .stage = "back"}));
  parameters.add("bag.back.bias", torch::zeros({d}));
  parameters.add("bag.norm_out.weight", torch::ones({d}));
  parameters.add("bag.norm_out.bias", torch::zeros({d}));
}

BagTerm::BagTerm(const BagSettings& settings, model::ParameterSet& parameters)
    : settings_(settings), parameters_(parameters) {}

torch::Tensor BagTerm::scores(const BagInput& input) const {
  const auto get = [&](const char* name) { return parameters_.at(std::string("bag.") + name); };
  const bool training = input.thin_out != nullptr;
  base::Random random({.seed = input.key, .stage = "bag"});
  const double word_drop = training ? settings_.word_dropout : 0,
               item_drop = training ? settings_.item_dropout : 0;
  Bags words, recent, items;
  for (const RankContext& context : input.contexts) {
    add_bag(words, context.words, word_drop, random);
    add_bag(recent, context.recent_words, word_drop, random);
    add_items(items, context.items, item_drop, random);
  }
  const torch::Tensor none;
  const torch::Tensor word_bag = sum_bags(get("words"), words, get("word_weights")),
                      recent_bag = sum_bags(get("recent_words"), recent, get("word_weights")),
                      item_bag = sum_bags(get("items"), items, none);  // [B, d] each
  const std::int64_t d = settings_.width;
  torch::Tensor joined = at::cat({word_bag, recent_bag, item_bag}, 1);
  joined = at::layer_norm(joined, {3 * d}, get("norm_in.weight"), get("norm_in.bias"));
  joined = kernels::with_dropout(joined, training ? settings_.dropout : 0, input.key);
  torch::Tensor h = at::linear(at::gelu(at::linear(joined, get("units.weight"), get("units.bias"))),
                               get("back.weight"), get("back.bias"));
  h = at::layer_norm(h + word_bag + recent_bag + item_bag, {d}, get("norm_out.weight"),
                     get("norm_out.bias"));
  return at::mm(h, get("items").t());  // [B, N]
}

}  // namespace recommend
