// EASE (Steck, WWW 2019): an item-item matrix by ridge regression in closed form, B = I - P /
// diag(P) with P = (X'X + lambda I)^-1, X the training dialogues by the items they name. A state
// scores r by the sum of B[m, r] over the items m named so far.
#include <algorithm>
#include <array>

#include <ATen/Functions.h>
#include <torch/types.h>

#include "base/format.h"
#include "recommend/baseline.h"

namespace recommend {
namespace {

constexpr std::array kLambdas = {100., 300., 1000.};

std::size_t at(int i) { return static_cast<std::size_t>(i); }

// The items that training dialogues name: only those have rows.
std::vector<int> named_items(const Counts& counts) {
  std::vector<int> items;
  for (int i = 0; i < counts.items(); ++i)
    if (counts.named()[at(i)] > 0) items.push_back(i);
  return items;
}

// B over those items, [n, n], its diagonal 0.
torch::Tensor item_matrix(const Counts& counts, const std::vector<int>& items, double lambda) {
  const auto n = static_cast<std::int64_t>(items.size());
  std::vector<int> place(at(counts.items()), -1);
  for (std::size_t i = 0; i < items.size(); ++i) place[at(items[i])] = static_cast<int>(i);
  torch::Tensor gram = torch::zeros({n, n});
  float* cells = gram.data_ptr<float>();
  for (std::int64_t i = 0; i < n; ++i) {
    const int item = items[static_cast<std::size_t>(i)];
    cells[i * n + i] = counts.named()[at(item)] + static_cast<float>(lambda);
    for (const auto& [other, count] : counts.with_item(item))
      cells[i * n + place[at(other)]] = count;
  }
  torch::Tensor inverse = at::cholesky_inverse(at::linalg_cholesky(gram));
  torch::Tensor matrix = inverse / -inverse.diagonal().clone();
  matrix.fill_diagonal_(0);
  return matrix;
}

ItemWeights fit(const BaselineInput& input, std::size_t setting) {
  torch::NoGradGuard no_grad;
  const Counts& counts = input.tables.counts;
  const std::vector<int> items = named_items(counts);
  std::vector<int> place(at(counts.items()), -1);
  for (std::size_t i = 0; i < items.size(); ++i) place[at(items[i])] = static_cast<int>(i);
  const torch::Tensor matrix = item_matrix(counts, items, kLambdas[setting]).contiguous();
  return [&counts, items, place, matrix](const dialogue::State& state) {
    const auto n = static_cast<std::int64_t>(items.size());
    std::vector<double> weights(at(counts.items()));
    for (const dialogue::KnownItem& known : state.items) {
      if (place[at(known.item)] < 0) continue;
      const float* row = matrix.data_ptr<float>() + place[at(known.item)] * n;
      for (std::size_t i = 0; i < items.size(); ++i) weights[at(items[i])] += row[i];
    }
    for (double& weight : weights) weight = std::max(weight, 0.);
    return ties_by_popularity(std::move(weights), counts);
  };
}

}  // namespace

BaselineKind ease_baseline() {
  BaselineKind kind{"ease", {}, "v2", fit};
  for (double lambda : kLambdas) kind.settings.push_back("lambda " + base::fixed(lambda, 0));
  return kind;
}

}  // namespace recommend
