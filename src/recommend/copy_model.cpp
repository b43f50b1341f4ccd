#include "recommend/copy_model.h"

#include <algorithm>
#include <cmath>

#include "train/adamw.h"

namespace recommend {
namespace {

// [n, kFeatures] for the items named in a context.
torch::Tensor features_of(const RankContext& context) {
  const auto n = static_cast<std::int64_t>(context.items.size());
  torch::Tensor features = torch::zeros({n, CopyModel::kFeatures});
  float* row = features.data_ptr<float>();
  for (std::int64_t i = 0; i < n; ++i, row += CopyModel::kFeatures) {
    const dialogue::KnownItem& known = context.items[static_cast<std::size_t>(i)];
    const std::int64_t rank = n - 1 - i;  // 0: named last
    const int since = context.turns - known.turn;
    row[0] = 1;
    row[1] = rank == 0;
    row[2] = rank == 1;
    row[3] = 1 / static_cast<float>(rank + 1);
    row[4] = since <= 1;
    row[5] = std::log(static_cast<float>(std::max(since, 1)));
    row[6] = known.by == dialogue::Role::recommender;
    row[7] = std::log(static_cast<float>(std::max(known.count, 1)));
    row[8] = 1 / static_cast<float>(n);
    row[9] = std::log(static_cast<float>(n));
    row[10] = known.polarity == dialogue::Polarity::liked;
    row[11] = known.polarity == dialogue::Polarity::disliked;
  }
  return features;
}

}  // namespace

void CopyModel::add_parameters(model::ParameterSet& parameters) {
  torch::Tensor weights = torch::zeros({kFeatures});
  weights[0] = -4;
  parameters.add("copy.weights", weights);
}

torch::Tensor CopyModel::log_probs(const RankContext& context, const torch::Tensor& weights) {
  const torch::Tensor utilities =
      at::cat({at::mv(features_of(context), weights), torch::zeros({1})});
  return at::log_softmax(utilities, 0);
}

void CopyModel::fit(const std::vector<RankExample>& examples, model::ParameterSet& parameters) {
  // All contexts in one table: rows of features, which example each belongs to, and how often each
  // class was the target.
  std::vector<torch::Tensor> tables;
  std::vector<std::int64_t> owner;
  std::vector<float> hits, new_hits;
  for (const RankExample& example : examples) {
    if (example.context.items.empty()) continue;
    const auto index = static_cast<std::int64_t>(new_hits.size());
    tables.push_back(features_of(example.context));
    float fresh = 0;
    for (int target : example.targets) fresh += example.context.names(target) ? 0.f : 1.f;
    new_hits.push_back(fresh);
    for (const dialogue::KnownItem& known : example.context.items) {
      owner.push_back(index);
      hits.push_back(std::count(example.targets.begin(), example.targets.end(), known.item) ? 1.f
                                                                                            : 0.f);
    }
  }
  if (tables.empty()) return;
  const torch::Tensor features = at::cat(tables), owners = torch::tensor(owner, torch::kInt64),
                      hit = torch::tensor(hits), fresh = torch::tensor(new_hits);
  const auto groups = static_cast<std::int64_t>(new_hits.size());
  const torch::Tensor& weights = parameters.at("copy.weights");
  train::AdamW optimiser({weights}, {.weight_decay = 0});
  torch::Tensor per_group = fresh.index_add(0, owners, hit);  // targets of each example
  for (int step = 0; step < 300; ++step) {
    const torch::Tensor utilities = at::mv(features, weights).clamp(-30, 30);
    const torch::Tensor normalisers =
        at::log1p(torch::zeros({groups}).index_add(0, owners, utilities.exp()));
    const torch::Tensor log_likelihood = (hit * utilities).sum() - (per_group * normalisers).sum();
    (-log_likelihood / per_group.sum()).backward();
    optimiser.step(.1 * train::cosine_schedule(step + 1, 10, 300), 0);
  }
}

}  // namespace recommend
