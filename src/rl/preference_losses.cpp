#include "rl/preference_losses.h"

#include <algorithm>

#include "base/error.h"
#include "rl/masked.h"

namespace rl {
namespace {

double item(const torch::Tensor& x) { return x.item<double>(); }

void check_rows(const char* where, const torch::Tensor& first, const torch::Tensor& second) {
  base::check(first.dim() == 1 && first.sizes() == second.sizes(), where, ": ", first.sizes(),
              " and ", second.sizes(), ", expected two of [B]");
}

void check_beta(double beta) {
  if (!(beta > 0))
    throw base::UsageError("beta is ", beta, ", but must be positive: at 0 the reference plays no ",
                           "part and there is nothing to learn");
}

double total_or_size(double total, const torch::Tensor& rows) {
  return total > 0 ? total : std::max(1., static_cast<double>(rows.size(0)));
}

torch::Tensor weighted(const torch::Tensor& terms, const torch::Tensor& weights) {
  if (!weights.defined()) return terms;
  check_rows("weights", terms, weights);
  return weights.detach() * terms;
}

torch::Tensor as_numbers(const torch::Tensor& flags) { return flags.to(torch::kFloat32); }

// [B]: the loss of each pair, from h.
torch::Tensor pair_losses(const torch::Tensor& h, const DpoOptions& options) {
  const torch::Tensor right = at::log_sigmoid(options.beta * h),
                      wrong = at::log_sigmoid(-options.beta * h);
  const double e = options.label_noise;
  switch (options.kind) {
    case DpoKind::sigmoid:
      return -right;
    case DpoKind::conservative:
      return -(1 - e) * right - e * wrong;
    case DpoKind::robust:
      return (-(1 - e) * right + e * wrong) / (1 - 2 * e);
    case DpoKind::ipo:
      return (h - 1 / (2 * options.beta)).square();
  }
  base::check(false, "a DPO without a name");
  return {};
}

}  // namespace

torch::Tensor bradley_terry_loss(const torch::Tensor& chosen, const torch::Tensor& rejected,
                                 const BradleyTerryOptions& options) {
  check_rows("bradley_terry_loss", chosen, rejected);
  return (-at::log_sigmoid(chosen - rejected - options.margin) +
          options.centring * (chosen + rejected).square())
      .mean();
}

DpoKind dpo_kind(const std::string& preference) {
  return preference == "conservative" ? DpoKind::conservative
         : preference == "robust"     ? DpoKind::robust
         : preference == "ipo"        ? DpoKind::ipo
                                      : DpoKind::sigmoid;
}

DpoLoss dpo_loss(const PairLogProbs& pairs, const DpoOptions& options) {
  check_rows("dpo_loss, chosen and rejected", pairs.chosen, pairs.rejected);
  check_rows("dpo_loss, chosen", pairs.chosen, pairs.reference_chosen);
  check_rows("dpo_loss, rejected", pairs.rejected, pairs.reference_rejected);
  check_beta(options.beta);
  const bool takes_noise = options.kind == DpoKind::conservative || options.kind == DpoKind::robust;
  if (!(options.label_noise >= 0 && options.label_noise < .5) ||
      (options.label_noise > 0 && !takes_noise))
    throw base::UsageError("label noise of ", options.label_noise,
                           ": it is a share in [0, .5), of the conservative and the robust loss");
  const torch::Tensor chosen = pairs.chosen - pairs.reference_chosen.detach(),
                      rejected = pairs.rejected - pairs.reference_rejected.detach();
  const torch::Tensor h = chosen - rejected;
  DpoLoss out;
  out.loss =
      weighted(pair_losses(h, options), pairs.weights).sum() / total_or_size(options.total, h);
  torch::NoGradGuard no_grad;
  if (h.size(0) == 0) return out;
  out.chosen_reward = options.beta * item(chosen.mean());
  out.rejected_reward = options.beta * item(rejected.mean());
  out.margin = out.chosen_reward - out.rejected_reward;
  out.accuracy = item((as_numbers(h > 0) + .5 * as_numbers(h == 0)).mean());
  return out;
}

double kto_reference_point(const torch::Tensor& log_probs, const torch::Tensor& reference) {
  check_rows("kto_reference_point", log_probs, reference);
  base::check(log_probs.size(0) > 0, "kto_reference_point: no mismatched replies");
  return std::max(0., item((log_probs - reference).mean()));
}

KtoLoss kto_loss(const KtoReplies& replies, const KtoOptions& options) {
  check_rows("kto_loss", replies.log_probs, replies.reference);
  check_rows("kto_loss, desirable", replies.log_probs, replies.desirable);
  check_beta(options.beta);
  const double z = options.reference_point ? *options.reference_point
                                           : kto_reference_point(replies.mismatched_log_probs,
                                                                 replies.mismatched_reference);
  const torch::Tensor h = replies.log_probs - replies.reference.detach(), good = replies.desirable,
                      bad = good.logical_not();
  const torch::Tensor terms =
      at::where(good, options.desirable_weight * (1 - at::sigmoid(options.beta * (h - z))),
                options.undesirable_weight * (1 - at::sigmoid(options.beta * (z - h))));
  KtoLoss out;
  out.loss = weighted(terms, replies.weights).sum() / total_or_size(options.total, h);
  torch::NoGradGuard no_grad;
  out.reference_point = z;
  if (h.size(0) == 0) return out;
  out.desirable_reward = options.beta * item(masked_mean(h, good));
  out.undesirable_reward = options.beta * item(masked_mean(h, bad));
  if (good.any().item<bool>() && bad.any().item<bool>())
    out.margin = out.desirable_reward - out.undesirable_reward;
  out.accuracy = item(as_numbers(at::where(good, h > z, h < z)).mean());
  return out;
}

std::vector<std::size_t> mismatched_replies(const std::vector<int>& states) {
  const std::size_t n = states.size();
  const auto meetings = [&](std::size_t step) {
    std::size_t own = 0;
    for (std::size_t i = 0; i < n; ++i) own += states[i] == states[(i + step) % n];
    return own;
  };
  std::size_t best = 0;  // at step 0 all meet their own
  for (std::size_t step = 1; step < n; ++step)
    if (meetings(step) < (best == 0 ? n : meetings(best))) best = step;
  if (best == 0)
    throw base::UsageError("KTO compares replies with those to other states, but all ", n,
                           " of the batch are to one state; give it larger batches");
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back((i + best) % n);
  return out;
}

}  // namespace rl
