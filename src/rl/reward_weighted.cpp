#include "rl/reward_weighted.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.h"

namespace rl {
namespace {

// exp(score / beta), scaled to a mean of 1; the largest score is taken off first, lest it overflow.
std::vector<double> weights_of_mean_one(const std::vector<double>& scores, double beta) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  std::vector<double> weights;
  for (const double score : scores) weights.push_back(std::exp((score - largest) / beta));
  const double mean =
      std::accumulate(weights.begin(), weights.end(), 0.) / static_cast<double>(weights.size());
  for (double& weight : weights) weight /= mean;
  return weights;
}

}  // namespace

WeightScope weight_scope(const std::string& name) {
  return name == "batch"   ? WeightScope::batch
         : name == "group" ? WeightScope::group
                           : WeightScope::none;
}

torch::Tensor reward_weights(const torch::Tensor& scores, const std::vector<int>& groups,
                             const RewardWeightOptions& options) {
  if (!(options.beta > 0))
    throw base::UsageError("replies weighted by exp(score / beta) need a positive beta, not ",
                           options.beta);
  base::check(scores.dim() == 1 && (options.scope != WeightScope::group ||
                                    static_cast<std::int64_t>(groups.size()) == scores.size(0)),
              "reward_weights: scores ", scores.sizes(), ", ", groups.size(), " groups");
  const torch::Tensor numbers = scores.detach().to(torch::kFloat64).contiguous();
  const std::vector<double> values(numbers.data_ptr<double>(),
                                   numbers.data_ptr<double>() + numbers.numel());
  std::vector<double> weights(values.size());
  std::map<int, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < values.size(); ++i) {
    weights[i] = std::exp(values[i] / options.beta);
    members[options.scope == WeightScope::group ? groups[i] : 0].push_back(i);
  }
  if (options.scope != WeightScope::none)
    for (const auto& [group, rows] : members) {
      std::vector<double> own;
      for (const std::size_t i : rows) own.push_back(values[i]);
      own = weights_of_mean_one(own, options.beta);
      for (std::size_t j = 0; j < rows.size(); ++j) weights[rows[j]] = own[j];
    }
  if (options.largest > 0)
    for (double& weight : weights) weight = std::min(weight, options.largest);
  return torch::tensor(weights, torch::kFloat64).to(scores.scalar_type());
}

double effective_sample_size(const torch::Tensor& weights) {
  torch::NoGradGuard no_grad;
  const torch::Tensor w = weights.to(torch::kFloat64);
  const double squares = w.square().sum().item<double>(), sum = w.sum().item<double>();
  return squares > 0 ? sum * sum / squares : 0;
}

torch::Tensor weighted_imitation_loss(const torch::Tensor& log_probs, const torch::Tensor& weights,
                                      const torch::Tensor& mask, const Reduction& reduction) {
  base::check(log_probs.dim() == 2 && weights.dim() == 1 && weights.size(0) == log_probs.size(0),
              "weighted_imitation_loss: log_probs ", log_probs.sizes(), ", weights ",
              weights.sizes());
  const torch::Tensor kept = log_probs.masked_fill(mask.logical_not(), 0);
  return reduce(-weights.detach().unsqueeze(1) * kept, mask, reduction);
}

}  // namespace rl
