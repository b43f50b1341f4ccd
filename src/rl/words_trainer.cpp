#include "rl/words_trainer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "rl/masked.h"
#include "rl/words_loss.h"

namespace rl {
namespace {

// Nats a token between sampler and trainer: in fp32, and where the sampler has 8 bits.
constexpr double kMostMismatch = 1e-3, kMostRounded = 1;
constexpr double kGuarded = 1.5;  // of the KL budget, from where a rollout pays more at once

double deviation_of(const torch::Tensor& x, const torch::Tensor& mask) {
  return std::sqrt(masked_variance(x, mask).item<double>());
}

}  // namespace

WordsTrainer::WordsTrainer(model::LanguageModel& policy, const model::Weights& reference,
                           TokenScorer scorer, const RlSettings& settings, torch::Dtype type)
    : settings_(resolved(settings)),
      algorithm_(algorithm_named(settings.algorithm)),
      models_{policy, reference, std::move(scorer), type, Critic(policy, settings_, type)},
      kl_({settings.beta, settings.kl_target, settings.kl_horizon, /*floor=*/settings.beta}) {
  check_algorithm(settings);
  std::vector<torch::Tensor> all = policy.trained().tensors();
  if (algorithm_ == Algorithm::ppo && models_.critic.on_trunk())
    for (const torch::Tensor& tensor : models_.critic.head_parameters()) all.push_back(tensor);
  optimiser_ = std::make_unique<train::AdamW>(all, adam_options(settings_));
}

Rollout WordsTrainer::prepare(std::vector<Episode> episodes, std::vector<double> raw_scores,
                              const base::RandomPlace& at, const std::vector<int>& states) {
  Rollout rollout = begin_rollout(std::move(episodes), std::move(raw_scores), states, settings_);
  rollout = with_scores(std::move(rollout), settings_, moments_);
  rollout = with_units(std::move(rollout), settings_, at);
  rollout = with_log_probs(std::move(rollout), models_, settings_);
  if (!std::isfinite(rollout.entropy))
    throw base::UsageError("rl: the policy's probabilities are no numbers any more at iteration ",
                           at.step, "; try a smaller rl.learning_rate, or run.compute=fp32");
  // Other algorithms may learn from anybody's replies.
  const bool rounded = settings_.rollout_weights == "int8",
             compares =
                 learns_by_advantages(algorithm_) && (rounded || models_.type == torch::kFloat32);
  base::check(!compares || rollout.mismatch.log_prob < (rounded ? kMostRounded : kMostMismatch),
              "rl: the sampler's log-probabilities are not those that are learned from: ",
              rollout.mismatch.log_prob, " nats a token apart");
  if (at.step <= 1 + static_cast<std::uint64_t>(settings_.critic_warmup))
    base::check(rollout.log_probs.equal(rollout.reference),
                "rl: the policy differs from its reference before the first update");
  rollout.learned = learned_tokens(rollout, settings_);
  rollout = with_rewards(std::move(rollout), settings_, kl_.guarded_beta(rollout.kl, kGuarded));
  if (rollout.learned.sum().item<std::int64_t>() < 2) {  // every reply was cut off
    rollout.units.clear();
    rollout.first_minibatches.clear();
    return rollout;
  }
  if (settings_.whiten_rewards)
    rollout.rewards = whiten_keeping_mean(rollout.rewards, rollout.learned);
  rollout.lesson = make_lesson(settings_,
                               {torch::tensor(rollout.scores).to(torch::kFloat32), rollout.groups,
                                kl_k1(rollout.log_probs, rollout.reference), rollout.rewards,
                                rollout.values, rollout.learned, rollout.beta},
                               {settings_.discount, settings_.lambda});
  return rollout;
}

double WordsTrainer::measure_kl(std::vector<Episode> episodes) const {
  Rollout rollout;
  rollout.episodes = std::move(episodes);
  for (std::size_t i = 0; i < rollout.episodes.size(); ++i) rollout.units.push_back({i});
  rollout.first_minibatches = lay_out(rollout.units, settings_.minibatch, {}, 0);
  rollout = with_log_probs(std::move(rollout), models_, settings_);
  return reply_sums(kl_k1(rollout.log_probs, rollout.reference), rollout.mask)
      .mean()
      .item<double>();
}

struct WordsTrainer::Step {
  WordsLoss loss;                    // before the step
  double norm = 0, critic_norm = 0;  // gradients: of the policy, of a critic that learns by itself
  double tokens = 0;                 // of the minibatch's replies
};

WordsTrainer::Step WordsTrainer::take_step(const Rollout& rollout,
                                           const std::vector<std::size_t>& chosen, Learner learner,
                                           const StepSizes& sizes) {
  Step step{words_loss(models_, rollout, chosen,
                       {.settings = settings_, .beta = rollout.beta, .learner = learner})};
  for (const std::size_t episode : chosen)
    step.tokens += static_cast<double>(rollout.episodes[episode].tokens.size());
  step.loss.total.backward();
  if (learner == Learner::all) step.norm = optimiser_->step(sizes.policy, settings_.clip_gradient);
  if (learner == Learner::critic || !models_.critic.on_trunk())
    step.critic_norm = models_.critic.step(sizes.critic, settings_.clip_gradient);
  return step;
}

base::Metrics WordsTrainer::update(const Rollout& rollout, double learning_rate,
                                   const base::RandomPlace& at, double critic_learning_rate) {
  const Learner learner = at.step <= static_cast<std::uint64_t>(settings_.critic_warmup)
                              ? Learner::critic
                              : Learner::all;
  const StepSizes sizes{learning_rate,
                        critic_learning_rate > 0 ? critic_learning_rate : learning_rate};
  std::vector<Step> steps;
  const auto too_far = [&] {
    return settings_.max_approx_kl > 0 && !steps.empty() &&
           steps.back().loss.policy.approx_kl > 1.5 * settings_.max_approx_kl;
  };
  for (int epoch = 0; epoch < settings_.epochs && !too_far(); ++epoch)
    for (const std::vector<std::size_t>& chosen :
         epoch == 0 ? rollout.first_minibatches
                    : lay_out(rollout.units, settings_.minibatch, at, epoch)) {
      steps.push_back(take_step(rollout, chosen, learner, sizes));
      const PpoLoss& loss = steps.back().loss.policy;
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
  if (steps.empty()) return {{"steps", 0}, {"tokens", 0}};  // no two replies to compare
  const auto mean = [&](auto&& value) {
    double sum = 0;
    for (const Step& step : steps) sum += value(step);
    return sum / static_cast<double>(steps.size());
  };
  const auto finite = [](double x) { return std::isfinite(x) ? x : 0; };
  base::Metrics metrics = {
      {"loss/policy_avg", mean([](const Step& s) { return s.loss.policy_loss; })},
      {"grad_norm", mean([&](const Step& s) { return finite(s.norm); })},
      {"steps", static_cast<double>(steps.size())},
      {"tokens", static_cast<double>(steps.size()) * mean([](const Step& s) { return s.tokens; })},
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
  for (std::size_t i = 0; i < steps.front().loss.more.size(); ++i)
    add({{steps.front().loss.more[i].first,
          mean([&](const Step& s) { return s.loss.more[i].second; })}});
  const Lesson& lesson = rollout.lesson;
  if (lesson.advantages.defined())
    add({{"policy/approxkl_avg", mean([](const Step& s) { return s.loss.policy.approx_kl; })},
         {"policy/clipfrac_avg", mean([](const Step& s) { return s.loss.policy.clip_fraction; })},
         {"val/ratio", mean([](const Step& s) { return s.loss.policy.ratio; })},
         {"val/ratio_var", mean([](const Step& s) { return s.loss.policy.ratio_variance; })},
         {"val/ratio_max", most([](const Step& s) { return s.loss.policy.ratio_max; })},
         {"val/ratio_min", -most([](const Step& s) { return -s.loss.policy.ratio_min; })},
         {"val/sampler_weight", mean([](const Step& s) { return s.loss.policy.sampler_weight; })},
         {"advantages/mean", masked_mean(lesson.advantages, rollout.learned).item<double>()},
         {"advantages/std", deviation_of(lesson.advantages, rollout.learned)}});
  if (lesson.returns.defined())
    add({{"loss/value_avg", mean([](const Step& s) { return s.loss.value_loss; })},
         {"critic/grad_norm", mean([&](const Step& s) { return finite(s.critic_norm); })},
         {"val/clipfrac_avg", mean([](const Step& s) { return s.loss.values.clip_fraction; })},
         {"returns/mean", masked_mean(lesson.returns, rollout.learned).item<double>()},
         {"returns/std", deviation_of(lesson.returns, rollout.learned)},
         {"value/explained_variance",
          explained_variance(rollout.values, lesson.returns, rollout.learned)}});
  return metrics;
}

void WordsTrainer::save(model::Checkpoint& checkpoint) const {
  models_.critic.save(checkpoint.tensors);
  optimiser_->save(checkpoint.tensors, "optimiser.");
  checkpoint.state["beta"] = kl_.beta();
  checkpoint.state["moments"] = moments_.to_json();
}

void WordsTrainer::load(const model::Checkpoint& checkpoint) {
  models_.critic.load(checkpoint.tensors);
  optimiser_->load(checkpoint.tensors, "optimiser.");
  kl_.restore(checkpoint.state.at("beta"));
  moments_.from_json(checkpoint.state.at("moments"));
}

}  // namespace rl
