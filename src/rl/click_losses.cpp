#include "rl/click_losses.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/error.h"
#include "rl/kl.h"
#include "rl/lesson.h"
#include "rl/preference_losses.h"
#include "rl/reward_weighted.h"

namespace rl {
namespace {

// [M]: what stands at each shown item.
torch::Tensor at_shown(const torch::Tensor& table, const ShownRows& shown) {
  return table.index({shown.states, shown.items});
}

ClickLoss learn_by_judgements(const torch::Tensor& log_probs, const torch::Tensor& reference,
                              const ShownRows& shown, const AlgorithmSettings& method) {
  const torch::Tensor p = at_shown(log_probs, shown), q = at_shown(reference, shown);
  const torch::Tensor desirable = shown.accepted * shown.weights, undesirable = 1 - desirable;
  KtoReplies replies{at::cat({p, p}), at::cat({q, q}),
                     at::cat({at::ones_like(shown.accepted), at::zeros_like(shown.accepted)})};
  replies.weights = at::cat({desirable, undesirable});
  const torch::Tensor counts = at::nonzero(replies.weights).squeeze(1);
  for (torch::Tensor* rows :
       {&replies.log_probs, &replies.reference, &replies.desirable, &replies.weights})
    *rows = rows->index_select(0, counts);
  KtoOptions options;
  options.beta = method.preference_beta;
  options.desirable_weight = method.desirable_weight;
  options.undesirable_weight = method.undesirable_weight;
  options.reference_point = exact_kl(log_probs.detach(), reference).mean().item<double>();
  options.total = static_cast<double>(shown.items.size(0));
  const KtoLoss loss = kto_loss(replies, options);
  // A weighted click stands on both sides of the loss; the log counts each shown item once.
  const KtoLoss once = kto_loss({p.detach(), q, shown.accepted}, options);
  return {loss.loss, once.margin, once.accuracy, options.total};
}

// Rows of `shown`: what was taken up beside what was not, of one state.
std::pair<torch::Tensor, torch::Tensor> pairs_of(const ShownRows& shown) {
  const torch::Tensor together = shown.states.unsqueeze(1) == shown.states.unsqueeze(0);  // [M, M]
  const torch::Tensor pairs =
      at::nonzero(together.logical_and(shown.accepted.unsqueeze(1))
                      .logical_and(shown.accepted.logical_not().unsqueeze(0)));  // [pairs, 2]
  return {pairs.select(1, 0), pairs.select(1, 1)};
}

ClickLoss learn_by_pairs(const torch::Tensor& log_probs, const torch::Tensor& reference,
                         const ShownRows& shown, const AlgorithmSettings& method) {
  const torch::Tensor p = at_shown(log_probs, shown), q = at_shown(reference, shown);
  const auto [chosen, rejected] = pairs_of(shown);
  const PairLogProbs pairs{p.index_select(0, chosen), p.index_select(0, rejected),
                           q.index_select(0, chosen), q.index_select(0, rejected),
                           shown.weights.index_select(0, chosen)};
  const DpoLoss loss =
      dpo_loss(pairs, {dpo_kind(method.preference), method.preference_beta, method.label_noise});
  return {loss.loss, loss.margin, loss.accuracy, static_cast<double>(chosen.size(0))};
}

// weights: [M], of mean about 1 over the rows that count.
ClickLoss imitate(const torch::Tensor& log_probs, const ShownRows& shown,
                  const torch::Tensor& weights) {
  const torch::Tensor counts = weights > 0;
  const double rows = counts.sum().item<double>();
  const torch::Tensor loss = -(weights.detach() * at_shown(log_probs, shown)).sum();
  return {loss / std::max(rows, 1.), 0, 0, rows};
}

torch::Tensor imitation_weights(const ShownRows& shown, const AlgorithmSettings& method) {
  const torch::Tensor taken = shown.accepted.to(torch::kFloat32);
  const torch::Tensor numbers = shown.states.contiguous();
  const std::vector<int> groups(numbers.data_ptr<std::int64_t>(),
                                numbers.data_ptr<std::int64_t>() + numbers.numel());
  const torch::Tensor by_score = reward_weights(
      taken, groups, {method.weight_beta, weight_scope(method.weight_scope), method.weight_cap});
  return by_score * at::where(shown.accepted, shown.weights, at::ones_like(shown.weights));
}

}  // namespace

torch::Tensor place_weights(const torch::Tensor& places, double bias, double largest) {
  const torch::Tensor weights = places.to(torch::kFloat32).pow(bias);
  return largest > 0 ? weights.clamp_max(largest) : weights;
}

ClickLoss click_loss(const torch::Tensor& log_probs, const torch::Tensor& reference,
                     const ShownRows& shown, const AlgorithmSettings& method) {
  const auto m = shown.items.size(0);
  base::check(log_probs.dim() == 2 && log_probs.sizes() == reference.sizes() &&
                  shown.states.size(0) == m && shown.accepted.size(0) == m &&
                  shown.weights.size(0) == m,
              "click_loss: log_probs ", log_probs.sizes(), ", reference ", reference.sizes(),
              ", states ", shown.states.sizes(), ", items ", shown.items.sizes(), ", accepted ",
              shown.accepted.sizes(), ", weights ", shown.weights.sizes());
  switch (algorithm_named(method.algorithm)) {
    case Algorithm::kto:
      return learn_by_judgements(log_probs, reference.detach(), shown, method);
    case Algorithm::dpo:
      return learn_by_pairs(log_probs, reference.detach(), shown, method);
    case Algorithm::sft:
      return imitate(log_probs, shown, shown.accepted * shown.weights);
    case Algorithm::reward_weighted:
      return imitate(log_probs, shown, imitation_weights(shown, method));
    default:
      throw base::UsageError(
          "clicks are learned from by dpo, kto, sft and reward_weighted, not by ",
          method.algorithm);
  }
}

}  // namespace rl
