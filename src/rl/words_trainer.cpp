#include "rl/words_trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "rl/masked.h"
#include "rl/preference_losses.h"
#include "rl/reward_weighted.h"
#include "rl/token_rewards.h"

namespace rl {
namespace {

constexpr double kMostMismatch = 1e-3;  // nats a token between sampler and trainer, in fp32

// Rows of different lengths side by side: [B, R] with 0 behind a row's end.
torch::Tensor pad(const std::vector<torch::Tensor>& rows) {
  std::int64_t longest = 1;
  for (const torch::Tensor& row : rows) longest = std::max(longest, row.size(0));
  torch::Tensor out =
      torch::zeros({static_cast<std::int64_t>(rows.size()), longest}, rows[0].options());
  for (std::size_t b = 0; b < rows.size(); ++b)
    out[static_cast<std::int64_t>(b)].narrow(0, 0, rows[b].size(0)).copy_(rows[b]);
  return out;
}

std::vector<const Episode*> pick(const Rollout& rollout, const std::vector<std::size_t>& chosen) {
  std::vector<const Episode*> out;
  for (std::size_t i : chosen) out.push_back(&rollout.episodes[i]);
  return out;
}

double deviation_of(const torch::Tensor& x, const torch::Tensor& mask) {
  return std::sqrt(masked_variance(x, mask).item<double>());
}

std::vector<int> modes_of(const std::vector<Episode>& episodes) {
  std::vector<int> modes;
  for (const Episode& episode : episodes) modes.push_back(episode.action.recommends);
  return modes;
}

// The last token that the language model chose: where a reply is cut right after its item, the
// mode.
std::int64_t last_chosen(const torch::Tensor& mask_row, std::int64_t length) {
  std::int64_t at = length - 1;
  while (at > 0 && !mask_row[at].item<bool>()) --at;
  return at;
}

// KTO's reference point is of replies that meet another state: where a minibatch has no room for
// those to two states, every reply is a unit of its own.
std::vector<std::vector<std::size_t>> with_room_for_strangers(
    const std::vector<std::vector<std::size_t>>& units, int minibatch) {
  std::vector<std::vector<std::size_t>> apart;
  std::size_t largest = 0;
  for (const std::vector<std::size_t>& unit : units) {
    largest = std::max(largest, unit.size());
    for (std::size_t reply : unit) apart.push_back({reply});
  }
  return 2 * largest > static_cast<std::size_t>(minibatch) ? apart : units;
}

}  // namespace

WordsTrainer::WordsTrainer(model::LanguageModel& policy, const model::Weights& reference,
                           TokenScorer scorer, const RlSettings& settings, torch::Dtype type)
    : policy_(policy),
      reference_(reference),
      score_(std::move(scorer)),
      settings_(settings),
      method_(resolved(settings)),
      algorithm_(algorithm_named(settings.algorithm)),
      type_(type),
      critic_(policy, method_, type),
      kl_({settings.beta, settings.kl_target, settings.kl_horizon, /*floor=*/settings.beta}) {
  check_algorithm(settings);
  std::vector<torch::Tensor> all = policy_.trained().tensors();
  if (algorithm_ == Algorithm::ppo && critic_.on_trunk())
    for (const torch::Tensor& tensor : critic_.head_parameters()) all.push_back(tensor);
  optimiser_ = std::make_unique<train::AdamW>(
      all, train::AdamWOptions{.beta2 = .999, .epsilon = 1e-5, .weight_decay = 0});
}

bool WordsTrainer::pays_for_kl() const { return method_.kl_place != "none"; }

// Units are shuffled and laid into minibatches of at most settings.minibatch replies, or of one
// unit that is larger.
WordsTrainer::Minibatches WordsTrainer::minibatches(const base::RandomPlace& at, int epoch,
                                                    const Minibatches& units) const {
  std::vector<std::size_t> order(units.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  base::Random({at.seed, "rl/minibatches", at.step, static_cast<std::uint64_t>(epoch)})
      .shuffle(order);
  Minibatches out;
  for (std::size_t unit : order) {
    if (out.empty() ||
        out.back().size() + units[unit].size() > static_cast<std::size_t>(settings_.minibatch))
      out.emplace_back();
    out.back().insert(out.back().end(), units[unit].begin(), units[unit].end());
  }
  return out;
}

Rollout WordsTrainer::prepare(std::vector<Episode> episodes, std::vector<double> raw_scores,
                              const base::RandomPlace& at, const std::vector<int>& states) {
  torch::NoGradGuard no_grad;
  base::check(episodes.size() == raw_scores.size(), "rl: ", episodes.size(), " episodes, ",
              raw_scores.size(), " scores");
  base::check(states.empty() || states.size() == episodes.size(), "rl: ", episodes.size(),
              " episodes, ", states.size(), " states");
  Rollout rollout;
  rollout.episodes = std::move(episodes);
  rollout.raw_scores = std::move(raw_scores);
  for (std::size_t i = 0; i < rollout.episodes.size(); ++i) {
    const int state = states.empty() ? static_cast<int>(i) : states[i];
    rollout.states.push_back(state);
    rollout.groups.push_back(
        settings_.learn_mode ? state : 2 * state + rollout.episodes[i].action.recommends);
  }
  scale(rollout);
  rollout.units = learning_units(method_, rollout.scores, rollout.groups, rollout.states);
  if (algorithm_ == Algorithm::kto)
    rollout.units = with_room_for_strangers(rollout.units, settings_.minibatch);
  rollout.first_minibatches = minibatches(at, 0, rollout.units);
  score_log_probs(rollout);
  // Other algorithms may learn from anybody's replies.
  const bool exact = type_ == torch::kFloat32 && learns_by_advantages(algorithm_);
  base::check(!exact || rollout.mismatch < kMostMismatch,
              "rl: the sampler's log-probabilities are not those that are learned from: ",
              rollout.mismatch, " nats a token apart");
  if (at.step <= 1 + static_cast<std::uint64_t>(method_.critic_warmup))
    base::check(rollout.log_probs.equal(rollout.reference),
                "rl: the policy differs from its reference before the first update");
  choose_learned(rollout);
  reward_tokens(rollout);
  if (rollout.learned.sum().item<std::int64_t>() < 2) {  // every reply was cut off
    rollout.units.clear();
    rollout.first_minibatches.clear();
    return rollout;
  }
  rollout.lesson = make_lesson(method_,
                               {torch::tensor(rollout.scores).to(torch::kFloat32), rollout.groups,
                                kl_k1(rollout.log_probs, rollout.reference), rollout.rewards,
                                rollout.values, rollout.learned, kl_.beta()},
                               {settings_.discount, settings_.lambda});
  return rollout;
}

// From the reward model's scores to those that are learned from.
void WordsTrainer::scale(Rollout& rollout) {
  rollout.scaled_scores = settings_.score_scaling == "none"
                              ? rollout.raw_scores
                              : scale_scores(rollout.raw_scores, settings_.score_clip, moments_);
  rollout.scores = rollout.scaled_scores;
  for (std::size_t b = 0; b < rollout.scores.size(); ++b)
    if (!rollout.episodes[b].action.ended) rollout.scores[b] -= settings_.missing_end_penalty;
  if (method_.length_cache == 0) return;
  std::vector<double> lengths;
  for (const Episode& episode : rollout.episodes)
    lengths.push_back(static_cast<double>(episode.tokens.size()));
  const torch::Tensor penalties =
      soft_length_penalty(torch::tensor(lengths), settings_.max_tokens, method_.length_cache);
  for (std::size_t b = 0; b < rollout.scores.size(); ++b)
    rollout.scores[b] += penalties[static_cast<std::int64_t>(b)].item<double>();
}

// The policy's scores with the critic's values, wherever it stands.
TokenScores WordsTrainer::score_with_values(const model::Weights& policy,
                                            const std::optional<model::Weights>& critic,
                                            const std::vector<const Episode*>& episodes,
                                            Learner learner) const {
  const ValueHead head = critic_.head();
  const bool on_trunk = algorithm_ == Algorithm::ppo && !critic;
  TokenScores scores = score_(policy, episodes,
                              {.temperature = settings_.temperature,
                               .value_head = on_trunk ? &head : nullptr,
                               .detach_values = learner == Learner::critic});
  if (critic)
    scores.values = score_(*critic, episodes, {.value_head = &head, .values_only = true}).values;
  return scores;
}

// Old and reference log-probabilities by the training forward; what is learned from by advantages
// in the shapes of the first epoch's minibatches, so that the first ratio is exactly 1.
void WordsTrainer::score_log_probs(Rollout& rollout) const {
  const model::Weights current = model::cast(policy_, type_);
  const std::optional<model::Weights> critic = critic_.weights();
  const std::size_t n = rollout.episodes.size();
  Minibatches batches = rollout.first_minibatches;
  if (!learns_by_advantages(algorithm_)) {  // some replies may be in none of them
    batches.clear();
    for (std::size_t i = 0; i < n; ++i) {
      if (i % static_cast<std::size_t>(settings_.minibatch) == 0) batches.emplace_back();
      batches.back().push_back(i);
    }
  }
  std::vector<torch::Tensor> log_probs(n), reference(n), values(n), mask(n), entropies(n), sampled;
  for (const std::vector<std::size_t>& chosen : batches) {
    const std::vector<const Episode*> batch = pick(rollout, chosen);
    const TokenScores now = score_with_values(current, critic, batch, Learner::all);
    const TokenScores then = score_(reference_, batch, {settings_.temperature});
    for (std::size_t b = 0; b < chosen.size(); ++b) {
      const auto row = static_cast<std::int64_t>(b);
      const auto length = static_cast<std::int64_t>(batch[b]->tokens.size());
      log_probs[chosen[b]] = now.log_probs[row].narrow(0, 0, length);
      values[chosen[b]] = now.values[row].narrow(0, 0, length);
      mask[chosen[b]] = now.mask[row].narrow(0, 0, length);
      entropies[chosen[b]] = now.entropies[row].narrow(0, 0, length);
      reference[chosen[b]] = then.log_probs[row].narrow(0, 0, length);
    }
  }
  rollout.log_probs = pad(log_probs);
  rollout.reference = pad(reference);
  rollout.values = pad(values);
  rollout.mask = pad(mask);
  rollout.entropy = masked_mean(pad(entropies), rollout.mask).item<double>();
  if (rollout.episodes.front().sampled_log_probs.empty()) return;  // nobody sampled
  for (const Episode& episode : rollout.episodes)
    sampled.push_back(torch::tensor(episode.sampled_log_probs).to(torch::kFloat32));
  rollout.sampled = pad(sampled);
  // The sampler was the policy, or for the algorithms without advantages its reference.
  const torch::Tensor& sampler =
      learns_by_advantages(algorithm_) ? rollout.log_probs : rollout.reference;
  rollout.mismatch = masked_mean((sampler - rollout.sampled).abs(), rollout.mask).item<double>();
}

double WordsTrainer::measure_kl(std::vector<Episode> episodes) const {
  torch::NoGradGuard no_grad;
  Rollout rollout;
  rollout.episodes = std::move(episodes);
  for (std::size_t i = 0; i < rollout.episodes.size(); ++i) rollout.units.push_back({i});
  rollout.first_minibatches = minibatches({}, 0, rollout.units);
  score_log_probs(rollout);
  return reply_sums(kl_k1(rollout.log_probs, rollout.reference), rollout.mask)
      .mean()
      .item<double>();
}

void WordsTrainer::choose_learned(Rollout& rollout) const {
  rollout.learned = rollout.mask.clone();
  if (method_.mask_truncated) {
    torch::Tensor ended = torch::empty({rollout.mask.size(0)}, torch::kBool);
    for (std::size_t b = 0; b < rollout.episodes.size(); ++b)
      ended[static_cast<std::int64_t>(b)] = rollout.episodes[b].action.ended;
    rollout.learned = without_truncated(rollout.learned, ended).clone();
  }
  // PPO keeps the mode, for the price of its KL; its score is centred in reward_tokens.
  if (!settings_.learn_mode && algorithm_ != Algorithm::ppo)
    rollout.learned.select(1, 0).fill_(false);
}

void WordsTrainer::reward_tokens(Rollout& rollout) {
  const std::size_t n = rollout.episodes.size();
  const torch::Tensor none = torch::zeros_like(rollout.log_probs);
  const torch::Tensor k1 =
      at::where(rollout.mask, kl_k1(rollout.log_probs, rollout.reference), none);
  if (learns_by_advantages(algorithm_)) {
    rollout.kl = k1.sum(1).mean().item<double>();
    rollout.kl_k3 = at::where(rollout.mask, kl_k3(rollout.log_probs, rollout.reference), none)
                        .sum(1)
                        .mean()
                        .item<double>();
  }
  const bool in_reward = method_.kl_place == "reward" || method_.kl_place == "both";
  rollout.rewards = at::where(rollout.learned, (in_reward ? -kl_.beta() : 0.) * k1, none);
  rollout.non_score = rollout.rewards.sum(1).mean().item<double>();

  if (!settings_.learn_mode && algorithm_ == Algorithm::ppo) {
    // What follows a mode, score and price of its words together, is the same for both on average.
    std::vector<double> following = rollout.scores;
    for (std::size_t b = 0; b < n; ++b)
      following[b] += rollout.rewards[static_cast<std::int64_t>(b)]
                          .narrow(0, 1, rollout.rewards.size(1) - 1)
                          .sum()
                          .item<double>();
    const std::vector<double> centered = centered_by_group(following, modes_of(rollout.episodes));
    for (std::size_t b = 0; b < n; ++b) rollout.scores[b] += centered[b] - following[b];
  }
  for (std::size_t b = 0; b < n; ++b) {
    const auto row = static_cast<std::int64_t>(b),
               length = static_cast<std::int64_t>(rollout.episodes[b].tokens.size());
    const std::int64_t last = last_chosen(rollout.learned[row], length);
    if (rollout.learned[row][last].item<bool>()) rollout.rewards[row][last] += rollout.scores[b];
  }
}

// A minibatch of a rollout, scored anew with gradient; rows as `chosen` has them.
struct WordsTrainer::Part {
  std::vector<std::size_t> chosen;
  TokenScores now;
  torch::Tensor index;  // [B] int64: chosen
  torch::Tensor learned;
  const Rollout& rollout;
  Learner learner;

  // The rows of a tensor [episodes, …] of the rollout.
  torch::Tensor rows(const torch::Tensor& x) const { return x.index_select(0, index); }
  // Of [episodes, R], as wide as `now`.
  torch::Tensor of(const torch::Tensor& x) const {
    return rows(x).narrow(1, 0, now.log_probs.size(1));
  }
};

WordsTrainer::Part WordsTrainer::part_of(const Rollout& rollout,
                                         const std::vector<std::size_t>& chosen,
                                         Learner learner) const {
  Part part{chosen,
            score_with_values(model::cast(policy_, type_), critic_.weights(), pick(rollout, chosen),
                              learner),
            torch::tensor(std::vector<std::int64_t>(chosen.begin(), chosen.end()), torch::kInt64),
            {},
            rollout,
            learner};
  part.learned = part.of(rollout.learned);
  return part;
}

// One minibatch: its losses before the step, and the gradient's norm.
struct WordsTrainer::Step {
  torch::Tensor total;
  PpoLoss policy;
  ValueLoss values;
  double policy_loss = 0, value_loss = 0;
  double norm = 0, critic_norm = 0;  // of the policy, and of a critic that learns by itself
  base::Metrics more = {};           // of the algorithm's own
};

Reduction WordsTrainer::reduction() const {
  const Aggregation how = method_.aggregation == "sequence_mean"     ? Aggregation::sequence_mean
                          : method_.aggregation == "constant_length" ? Aggregation::constant_length
                                                                     : Aggregation::token_mean;
  return {.how = how, .length = static_cast<double>(settings_.max_tokens)};
}

void WordsTrainer::learn_by_advantages(const Part& part, Step& step) const {
  const Rollout& rollout = part.rollout;
  PpoOptions options{
      .clip_low = method_.clip_low,
      .clip_high = method_.clip_high,
      .dual_clip = method_.dual_clip,
      .ratio = method_.ratio == "sequence" ? RatioLevel::sequence : RatioLevel::token,
      .sampler_cap = method_.sampler_cap,
      .reduction = reduction()};
  if (method_.sampler_cap > 0) options.sampler_log_probs = part.of(rollout.sampled);
  step.policy = ppo_loss(part.now.log_probs, part.of(rollout.log_probs),
                         part.of(rollout.lesson.normalised), part.learned, options);
  step.total = step.policy.loss;
  if (algorithm_ == Algorithm::ppo) {
    step.values = value_loss(part.now.values, part.of(rollout.values),
                             part.of(rollout.lesson.returns), part.learned, settings_.value_clip);
    step.value_loss = step.values.loss.item<double>();
    if (part.learner == Learner::critic) {
      step.total = step.values.loss;
      return;
    }
    // Nothing else reaches a critic apart, so that no weight is needed.
    const double weight = critic_.on_trunk() ? settings_.value_weight : 1;
    step.total = step.total + weight * step.values.loss;
  }
  if (method_.kl_place == "loss" || method_.kl_place == "both") {
    const KlLoss kl = kl_loss(part.now.log_probs, part.of(rollout.log_probs),
                              part.of(rollout.reference), part.learned,
                              {.estimator = method_.kl_loss == "k1"   ? KlEstimator::k1
                                            : method_.kl_loss == "k3" ? KlEstimator::k3
                                                                      : KlEstimator::k2,
                               .ratio = method_.kl_ratio == "full"       ? KlRatio::full
                                        : method_.kl_ratio == "detached" ? KlRatio::detached
                                                                         : KlRatio::none,
                               .reduction = reduction()});
    step.total = step.total + kl_.beta() * kl.loss;
    step.more = {{"loss/kl_avg", kl.loss.item<double>()}};
  }
  if (settings_.entropy_weight != 0)
    step.total = step.total + entropy_loss(part.now.entropies, part.learned,
                                           settings_.entropy_weight, reduction());
}

void WordsTrainer::learn_by_imitation(const Part& part, Step& step) const {
  const torch::Tensor weights = part.rows(part.rollout.lesson.weights);
  step.total = weighted_imitation_loss(part.now.log_probs, weights, part.learned, reduction());
  step.more = {{"weights/effective",
                effective_sample_size(weights) / static_cast<double>(part.chosen.size())}};
}

void WordsTrainer::learn_by_pairs(const Part& part, Step& step) const {
  const auto of_replies = method_.log_prob_length == "mean" ? reply_means : reply_sums;
  const torch::Tensor now = of_replies(part.now.log_probs, part.learned).view({-1, 2}),
                      then =
                          of_replies(part.of(part.rollout.reference), part.learned).view({-1, 2});
  const DpoKind kind = method_.preference == "conservative" ? DpoKind::conservative
                       : method_.preference == "robust"     ? DpoKind::robust
                       : method_.preference == "ipo"        ? DpoKind::ipo
                                                            : DpoKind::sigmoid;
  const DpoLoss loss =
      dpo_loss({now.select(1, 0), now.select(1, 1), then.select(1, 0), then.select(1, 1)},
               {.kind = kind, .beta = method_.preference_beta, .label_noise = method_.label_noise});
  step.total = loss.loss;
  step.more = {{"rewards/chosen", loss.chosen_reward},
               {"rewards/rejected", loss.rejected_reward},
               {"rewards/margins", loss.margin},
               {"rewards/accuracies", loss.accuracy}};
}

void WordsTrainer::learn_by_judgements(const Part& part, Step& step) const {
  const Rollout& rollout = part.rollout;
  KtoOptions options{.beta = method_.preference_beta,
                     .desirable_weight = method_.desirable_weight,
                     .undesirable_weight = method_.undesirable_weight};
  KtoReplies replies{reply_sums(part.now.log_probs, part.learned),
                     reply_sums(part.of(rollout.reference), part.learned),
                     part.rows(rollout.lesson.desirable),
                     {},
                     {}};
  std::vector<int> states;
  for (std::size_t i : part.chosen) states.push_back(rollout.states[i]);
  if (std::all_of(states.begin(), states.end(), [&](int state) { return state == states[0]; })) {
    options.reference_point = 0;  // no other state to meet a reply
  } else {
    torch::NoGradGuard no_grad;
    const std::vector<std::size_t> met = mismatched_replies(states);
    std::vector<Episode> strangers;
    for (std::size_t i = 0; i < part.chosen.size(); ++i) {
      Episode episode = rollout.episodes[part.chosen[met[i]]];
      episode.state = rollout.episodes[part.chosen[i]].state;
      episode.prompt = rollout.episodes[part.chosen[i]].prompt;
      strangers.push_back(std::move(episode));
    }
    std::vector<const Episode*> pointers;
    for (const Episode& episode : strangers) pointers.push_back(&episode);
    const auto sums = [&](const model::Weights& weights) {
      const TokenScores scores = score_(weights, pointers, {settings_.temperature});
      torch::Tensor learned = scores.mask.clone();
      if (!settings_.learn_mode) learned.select(1, 0).fill_(false);
      return reply_sums(scores.log_probs, learned);
    };
    replies.mismatched_log_probs = sums(model::cast(policy_, type_));
    replies.mismatched_reference = sums(reference_);
  }
  const KtoLoss loss = kto_loss(replies, options);
  step.total = loss.loss;
  step.more = {{"rewards/chosen", loss.desirable_reward},
               {"rewards/rejected", loss.undesirable_reward},
               {"rewards/margins", loss.margin},
               {"rewards/accuracies", loss.accuracy},
               {"kto/reference_point", loss.reference_point}};
}

WordsTrainer::Step WordsTrainer::take_step(const Rollout& rollout,
                                           const std::vector<std::size_t>& chosen, Learner learner,
                                           const StepSizes& sizes) {
  const Part part = part_of(rollout, chosen, learner);
  Step step;
  if (learns_by_advantages(algorithm_))
    learn_by_advantages(part, step);
  else if (imitates(algorithm_))
    learn_by_imitation(part, step);
  else if (algorithm_ == Algorithm::dpo)
    learn_by_pairs(part, step);
  else
    learn_by_judgements(part, step);
  step.total.backward();
  step.policy_loss =
      (learns_by_advantages(algorithm_) ? step.policy.loss : step.total).item<double>();
  if (learner == Learner::all) step.norm = optimiser_->step(sizes.policy, settings_.clip_gradient);
  if (learner == Learner::critic || !critic_.on_trunk())
    step.critic_norm = critic_.step(sizes.critic, settings_.clip_gradient);
  return step;
}

base::Metrics WordsTrainer::update(const Rollout& rollout, double learning_rate,
                                   const base::RandomPlace& at, double critic_learning_rate) {
  const Learner learner =
      at.step <= static_cast<std::uint64_t>(method_.critic_warmup) ? Learner::critic : Learner::all;
  const StepSizes sizes{learning_rate,
                        critic_learning_rate > 0 ? critic_learning_rate : learning_rate};
  std::vector<Step> steps;
  const auto too_far = [&] {
    return settings_.max_approx_kl > 0 && !steps.empty() &&
           steps.back().policy.approx_kl > 1.5 * settings_.max_approx_kl;
  };
  for (int epoch = 0; epoch < settings_.epochs && !too_far(); ++epoch)
    for (const std::vector<std::size_t>& chosen :
         epoch == 0 ? rollout.first_minibatches : minibatches(at, epoch, rollout.units)) {
      steps.push_back(take_step(rollout, chosen, learner, sizes));
      const PpoLoss& loss = steps.back().policy;
      if (steps.size() == 1)
        base::check(loss.ratio_max == 1 && loss.ratio_min == 1,
                    "rl: the ratio at the first minibatch is ", loss.ratio_min, " to ",
                    loss.ratio_max, ", not 1: sampling and training forward differ");
      if (too_far()) break;
    }
  if (pays_for_kl()) kl_.update(rollout.kl, static_cast<std::int64_t>(rollout.episodes.size()));
  return metrics_of(rollout, steps);
}

base::Metrics WordsTrainer::metrics_of(const Rollout& rollout, const std::vector<Step>& steps) {
  if (steps.empty()) return {{"steps", 0}};  // no two replies to compare
  const auto mean = [&](auto&& value) {
    double sum = 0;
    for (const Step& step : steps) sum += value(step);
    return sum / static_cast<double>(steps.size());
  };
  const auto finite = [](double x) { return std::isfinite(x) ? x : 0; };
  base::Metrics metrics = {
      {"loss/policy_avg", mean([](const Step& s) { return s.policy_loss; })},
      {"grad_norm", mean([&](const Step& s) { return finite(s.norm); })},
      {"steps", static_cast<double>(steps.size())},
      {"steps_skipped", static_cast<double>(steps.size()) * mean([](const Step& s) {
                          return !std::isfinite(s.norm) || !std::isfinite(s.critic_norm);
                        })}};
  const auto most = [&](const auto& value) {
    double found = value(steps.front());
    for (const Step& step : steps) found = std::max(found, value(step));
    return found;
  };
  const auto add = [&](const base::Metrics& more) {
    metrics.insert(metrics.end(), more.begin(), more.end());
  };
  for (std::size_t i = 0; i < steps.front().more.size(); ++i)
    add({{steps.front().more[i].first, mean([&](const Step& s) { return s.more[i].second; })}});
  const Lesson& lesson = rollout.lesson;
  if (lesson.advantages.defined())
    add({{"policy/approxkl_avg", mean([](const Step& s) { return s.policy.approx_kl; })},
         {"policy/clipfrac_avg", mean([](const Step& s) { return s.policy.clip_fraction; })},
         {"val/ratio", mean([](const Step& s) { return s.policy.ratio; })},
         {"val/ratio_var", mean([](const Step& s) { return s.policy.ratio_variance; })},
         {"val/ratio_max", most([](const Step& s) { return s.policy.ratio_max; })},
         {"val/ratio_min", -most([](const Step& s) { return -s.policy.ratio_min; })},
         {"advantages/mean", masked_mean(lesson.advantages, rollout.learned).item<double>()},
         {"advantages/std", deviation_of(lesson.advantages, rollout.learned)}});
  if (lesson.returns.defined())
    add({{"loss/value_avg", mean([](const Step& s) { return s.value_loss; })},
         {"critic/grad_norm", mean([&](const Step& s) { return finite(s.critic_norm); })},
         {"val/clipfrac_avg", mean([](const Step& s) { return s.values.clip_fraction; })},
         {"returns/mean", masked_mean(lesson.returns, rollout.learned).item<double>()},
         {"returns/std", deviation_of(lesson.returns, rollout.learned)},
         {"value/explained_variance",
          explained_variance(rollout.values, lesson.returns, rollout.learned)}});
  return metrics;
}

void WordsTrainer::save(model::Checkpoint& checkpoint) const {
  critic_.save(checkpoint.tensors);
  optimiser_->save(checkpoint.tensors, "optimiser.");
  checkpoint.state["beta"] = kl_.beta();
  checkpoint.state["moments"] = moments_.to_json();
}

void WordsTrainer::load(const model::Checkpoint& checkpoint) {
  critic_.load(checkpoint.tensors);
  optimiser_->load(checkpoint.tensors, "optimiser.");
  kl_.restore(checkpoint.state.at("beta"));
  moments_.from_json(checkpoint.state.at("moments"));
}

}  // namespace rl
