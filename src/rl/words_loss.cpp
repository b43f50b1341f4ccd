#include "rl/words_loss.h"

#include <algorithm>

#include "rl/kl.h"
#include "rl/masked.h"
#include "rl/preference_losses.h"
#include "rl/reward_weighted.h"

namespace rl {
namespace {

// A minibatch of a rollout, scored anew with gradient; rows as `chosen` has them.
struct Part {
  const WordsModels& models;
  const Rollout& rollout;
  const std::vector<std::size_t>& chosen;
  const RlSettings& settings;
  TokenScores now;
  torch::Tensor index;         // [B] int64: chosen
  torch::Tensor learned = {};  // [B, R] bool

  // The rows of a tensor [episodes, …] of the rollout.
  torch::Tensor rows(const torch::Tensor& x) const { return x.index_select(0, index); }
  // Of [episodes, R], as wide as `now`.
  torch::Tensor of(const torch::Tensor& x) const {
    return rows(x).narrow(1, 0, now.log_probs.size(1));
  }
};

Part part_of(const WordsModels& models, const Rollout& rollout,
             const std::vector<std::size_t>& chosen, const WordsLossOptions& options) {
  std::vector<const Episode*> episodes;
  for (std::size_t i : chosen) episodes.push_back(&rollout.episodes[i]);
  Part part{
      models,
      rollout,
      chosen,
      options.settings,
      score_policy(models, current_weights(models), episodes, options.settings, options.learner),
      torch::tensor(std::vector<std::int64_t>(chosen.begin(), chosen.end()), torch::kInt64)};
  part.learned = part.of(rollout.learned);
  return part;
}

Reduction reduction(const RlSettings& settings) {
  const Aggregation how = settings.aggregation == "sequence_mean"     ? Aggregation::sequence_mean
                          : settings.aggregation == "constant_length" ? Aggregation::constant_length
                                                                      : Aggregation::token_mean;
  return {.how = how, .length = static_cast<double>(settings.max_tokens)};
}

// [B, R], against the sampler; undefined where they are off.
torch::Tensor weights_against_sampler(const Part& part) {
  const double cap = part.settings.sampler_cap;
  return cap > 0 ? sampler_weights(part.of(part.rollout.log_probs), part.of(part.rollout.sampled),
                                   part.learned, cap)
                 : torch::Tensor();
}

PpoLoss clipped_surrogate(const Part& part, const torch::Tensor& weights) {
  const RlSettings& settings = part.settings;
  const PpoOptions options{
      .clip_low = settings.clip_low,
      .clip_high = settings.clip_high,
      .dual_clip = settings.dual_clip,
      .ratio = settings.ratio == "sequence" ? RatioLevel::sequence : RatioLevel::token,
      .weights = weights,
      .reduction = reduction(settings)};
  return ppo_loss(part.now.log_probs, part.of(part.rollout.log_probs),
                  part.of(part.rollout.lesson.normalised), part.learned, options);
}

KlLoss kl_to_reference(const Part& part, const torch::Tensor& weights) {
  const RlSettings& settings = part.settings;
  return kl_loss(part.now.log_probs, part.of(part.rollout.log_probs),
                 part.of(part.rollout.reference), part.learned,
                 {.estimator = settings.kl_loss == "k1"   ? KlEstimator::k1
                               : settings.kl_loss == "k3" ? KlEstimator::k3
                                                          : KlEstimator::k2,
                  .ratio = settings.kl_ratio == "full"       ? KlRatio::full
                           : settings.kl_ratio == "detached" ? KlRatio::detached
                                                             : KlRatio::none,
                  .weights = weights,
                  .reduction = reduction(settings)});
}

WordsLoss by_advantages(const Part& part, double beta, Learner learner) {
  const RlSettings& settings = part.settings;
  const Rollout& rollout = part.rollout;
  WordsLoss loss;
  const torch::Tensor weights = weights_against_sampler(part);
  loss.policy = clipped_surrogate(part, weights);
  loss.total = loss.policy.loss;
  loss.policy_loss = loss.policy.loss.item<double>();
  if (algorithm_named(settings.algorithm) == Algorithm::ppo) {
    loss.values = value_loss(part.now.values, part.of(rollout.values),
                             part.of(rollout.lesson.returns), part.learned, settings.value_clip);
    loss.value_loss = loss.values.loss.item<double>();
    if (learner == Learner::critic) {
      loss.total = loss.values.loss;
      return loss;
    }
    // Nothing else reaches a critic apart, so that no weight is needed.
    const double weight = part.models.critic.on_trunk() ? settings.value_weight : 1;
    loss.total = loss.total + weight * loss.values.loss;
  }
  if (settings.kl_place == "loss" || settings.kl_place == "both") {
    const KlLoss kl = kl_to_reference(part, weights);
    loss.total = loss.total + beta * kl.loss;
    loss.more = {{"loss/kl_avg", kl.loss.item<double>()}};
  }
  if (settings.entropy_weight != 0)
    loss.total = loss.total + entropy_loss(part.now.entropies, part.learned,
                                           settings.entropy_weight, reduction(settings));
  return loss;
}

WordsLoss by_imitation(const Part& part) {
  const torch::Tensor weights = part.rows(part.rollout.lesson.weights);
  WordsLoss loss;
  loss.total =
      weighted_imitation_loss(part.now.log_probs, weights, part.learned, reduction(part.settings));
  loss.policy_loss = loss.total.item<double>();
  loss.more = {{"weights/effective",
                effective_sample_size(weights) / static_cast<double>(part.chosen.size())}};
  return loss;
}

WordsLoss by_pairs(const Part& part) {
  const RlSettings& settings = part.settings;
  const auto of_replies = settings.log_prob_length == "mean" ? reply_means : reply_sums;
  // [B] -> [B / 2, 2]: preferred, rejected
  const torch::Tensor now = of_replies(part.now.log_probs, part.learned).view({-1, 2}),
                      then =
                          of_replies(part.of(part.rollout.reference), part.learned).view({-1, 2});
  const DpoLoss pairs =
      dpo_loss({now.select(1, 0), now.select(1, 1), then.select(1, 0), then.select(1, 1)},
               {.kind = dpo_kind(settings.preference),
                .beta = settings.preference_beta,
                .label_noise = settings.label_noise});
  WordsLoss loss;
  loss.total = pairs.loss;
  loss.policy_loss = pairs.loss.item<double>();
  loss.more = {{"rewards/chosen", pairs.chosen_reward},
               {"rewards/rejected", pairs.rejected_reward},
               {"rewards/margins", pairs.margin},
               {"rewards/accuracies", pairs.accuracy}};
  return loss;
}

// Each reply of the minibatch replaced by one to another state, as if it had been said here.
std::vector<Episode> strangers_of(const Part& part, const std::vector<int>& states) {
  const std::vector<std::size_t> met = mismatched_replies(states);
  std::vector<Episode> strangers;
  for (std::size_t i = 0; i < part.chosen.size(); ++i) {
    Episode episode = part.rollout.episodes[part.chosen[met[i]]];
    episode.state = part.rollout.episodes[part.chosen[i]].state;
    episode.prompt = part.rollout.episodes[part.chosen[i]].prompt;
    strangers.push_back(std::move(episode));
  }
  return strangers;
}

WordsLoss by_judgements(const Part& part) {
  const RlSettings& settings = part.settings;
  KtoOptions options{.beta = settings.preference_beta,
                     .desirable_weight = settings.desirable_weight,
                     .undesirable_weight = settings.undesirable_weight};
  KtoReplies replies{reply_sums(part.now.log_probs, part.learned),
                     reply_sums(part.of(part.rollout.reference), part.learned),
                     part.rows(part.rollout.lesson.desirable)};
  std::vector<int> states;
  for (std::size_t i : part.chosen) states.push_back(part.rollout.states[i]);
  if (std::all_of(states.begin(), states.end(), [&](int state) { return state == states[0]; })) {
    options.reference_point = 0;  // no other state to meet a reply
  } else {
    torch::NoGradGuard no_grad;
    const std::vector<Episode> strangers = strangers_of(part, states);
    std::vector<const Episode*> pointers;
    for (const Episode& episode : strangers) pointers.push_back(&episode);
    const auto sums = [&](const TokenScores& scores) {
      torch::Tensor learned = scores.mask.clone();
      if (!settings.learn_mode) learned.select(1, 0).fill_(false);
      return reply_sums(scores.log_probs, learned);
    };
    replies.mismatched_log_probs =
        sums(score_policy(part.models, current_weights(part.models), pointers, settings));
    replies.mismatched_reference = sums(score_reference(part.models, pointers, settings));
  }
  const KtoLoss judged = kto_loss(replies, options);
  WordsLoss loss;
  loss.total = judged.loss;
  loss.policy_loss = judged.loss.item<double>();
  loss.more = {{"rewards/chosen", judged.desirable_reward},
               {"rewards/rejected", judged.undesirable_reward},
               {"rewards/margins", judged.margin},
               {"rewards/accuracies", judged.accuracy},
               {"kto/reference_point", judged.reference_point}};
  return loss;
}

}  // namespace

WordsLoss words_loss(const WordsModels& models, const Rollout& rollout,
                     const std::vector<std::size_t>& chosen, const WordsLossOptions& options) {
  const Part part = part_of(models, rollout, chosen, options);
  const Algorithm algorithm = algorithm_named(options.settings.algorithm);
  if (learns_by_advantages(algorithm)) return by_advantages(part, options.beta, options.learner);
  if (imitates(algorithm)) return by_imitation(part);
  if (algorithm == Algorithm::dpo) return by_pairs(part);
  return by_judgements(part);
}

}  // namespace rl
