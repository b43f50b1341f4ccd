#include "rl/words_trainer.h"

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "rl/losses.h"
#include "rl/masked.h"

namespace rl {
namespace {

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

}  // namespace

WordsTrainer::WordsTrainer(model::LanguageModel& policy, const model::Weights& reference,
                           const train::DialogueTokens& tokens, const PpoSettings& settings,
                           torch::Dtype type)
    : policy_(policy),
      reference_(reference),
      tokens_(tokens),
      settings_(settings),
      type_(type),
      kl_({settings.beta, settings.kl_target, settings.kl_horizon, /*floor=*/settings.beta}) {
  critic_.add("value.weight", torch::zeros({policy.config.width}));
  critic_.add("value.bias", torch::zeros({1}));
  std::vector<torch::Tensor> all = policy_.trained().tensors();
  for (const torch::Tensor& tensor : critic_.tensors()) all.push_back(tensor);
  optimiser_ = std::make_unique<train::AdamW>(
      all, train::AdamWOptions{.beta2 = .999, .epsilon = 1e-5, .weight_decay = 0});
}

ValueHead WordsTrainer::value_head() const {
  return {critic_.at("value.weight"), critic_.at("value.bias")};
}

WordsTrainer::Minibatches WordsTrainer::minibatches(const base::RandomPlace& at, int epoch,
                                                    std::size_t episodes) const {
  std::vector<std::size_t> order(episodes);
  std::iota(order.begin(), order.end(), std::size_t{0});
  base::Random({at.seed, "rl/minibatches", at.step, static_cast<std::uint64_t>(epoch)})
      .shuffle(order);
  Minibatches out;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i % static_cast<std::size_t>(settings_.minibatch) == 0) out.emplace_back();
    out.back().push_back(order[i]);
  }
  return out;
}

Rollout WordsTrainer::prepare(std::vector<Episode> episodes, std::vector<double> raw_scores,
                              const base::RandomPlace& at) {
  torch::NoGradGuard no_grad;
  base::check(episodes.size() == raw_scores.size(), "rl: ", episodes.size(), " episodes, ",
              raw_scores.size(), " scores");
  Rollout rollout;
  rollout.episodes = std::move(episodes);
  rollout.raw_scores = std::move(raw_scores);
  rollout.first_minibatches = minibatches(at, 0, rollout.episodes.size());
  score_log_probs(rollout);
  if (at.step == 1)
    base::check(rollout.log_probs.equal(rollout.reference),
                "rl: the policy differs from its reference before the first update");
  reward_tokens(rollout);
  rollout.gae = estimate_advantages(rollout.rewards, rollout.values, rollout.mask,
                                    {settings_.discount, settings_.lambda});
  return rollout;
}

// Old and reference log-probabilities by the training forward, in the shapes of the first epoch's
// minibatches, so that the first ratio is exactly 1.
void WordsTrainer::score_log_probs(Rollout& rollout) const {
  const model::Weights current = model::cast(policy_, type_);
  const ValueHead head = value_head();
  const std::size_t n = rollout.episodes.size();
  std::vector<torch::Tensor> log_probs(n), reference(n), values(n), mask(n), entropies(n), sampled;
  for (const std::vector<std::size_t>& chosen : rollout.first_minibatches) {
    const std::vector<const Episode*> batch = pick(rollout, chosen);
    const TokenScores now = score_tokens(current, tokens_, batch, {settings_.temperature, &head});
    const TokenScores then = score_tokens(reference_, tokens_, batch, {settings_.temperature});
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
  for (const Episode& episode : rollout.episodes)
    sampled.push_back(torch::tensor(episode.sampled_log_probs).to(torch::kFloat32));
  rollout.log_probs = pad(log_probs);
  rollout.reference = pad(reference);
  rollout.values = pad(values);
  rollout.mask = pad(mask);
  rollout.entropy = masked_mean(pad(entropies), rollout.mask).item<double>();
  rollout.mismatch =
      masked_mean((rollout.log_probs - pad(sampled)).abs(), rollout.mask).item<double>();
}

void WordsTrainer::reward_tokens(Rollout& rollout) {
  const std::size_t n = rollout.episodes.size();
  const torch::Tensor none = torch::zeros_like(rollout.log_probs);
  const torch::Tensor k1 =
      at::where(rollout.mask, kl_k1(rollout.log_probs, rollout.reference), none);
  rollout.kl = k1.sum(1).mean().item<double>();
  rollout.kl_k3 = at::where(rollout.mask, kl_k3(rollout.log_probs, rollout.reference), none)
                      .sum(1)
                      .mean()
                      .item<double>();
  rollout.rewards = -kl_.beta() * k1;
  rollout.non_score = rollout.rewards.sum(1).mean().item<double>();

  rollout.scaled_scores = scale_scores(rollout.raw_scores, settings_.score_clip, moments_);
  rollout.scores = rollout.scaled_scores;
  for (std::size_t b = 0; b < n; ++b)
    if (!rollout.episodes[b].action.ended) rollout.scores[b] -= settings_.missing_end_penalty;
  if (!settings_.learn_mode) {
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
    rollout.rewards[row][last_chosen(rollout.mask[row], length)] += rollout.scores[b];
  }
}

// One minibatch: its losses before the step, and the gradient's norm.
struct WordsTrainer::Step {
  PpoLoss policy;
  ValueLoss values;
  double policy_loss = 0, value_loss = 0, norm = 0;
};

WordsTrainer::Step WordsTrainer::take_step(const Rollout& rollout, const torch::Tensor& advantages,
                                           const std::vector<std::size_t>& chosen,
                                           double learning_rate) {
  const ValueHead head = value_head();
  const TokenScores now = score_tokens(model::cast(policy_, type_), tokens_, pick(rollout, chosen),
                                       {settings_.temperature, &head});
  const torch::Tensor index =
      torch::tensor(std::vector<std::int64_t>(chosen.begin(), chosen.end()), torch::kInt64);
  const auto of = [&](const torch::Tensor& x) {
    return x.index_select(0, index).narrow(1, 0, now.log_probs.size(1));
  };
  const torch::Tensor mask = of(rollout.mask);
  Step step;
  step.policy = ppo_loss(now.log_probs, of(rollout.log_probs), of(advantages), mask,
                         {settings_.clip, settings_.clip});
  step.values = value_loss(now.values, of(rollout.values), of(rollout.gae.returns), mask,
                           settings_.value_clip);
  torch::Tensor total = step.policy.loss + settings_.value_weight * step.values.loss;
  if (settings_.entropy_weight != 0)
    total = total - settings_.entropy_weight * masked_mean(now.entropies, mask);
  total.backward();
  step.policy_loss = step.policy.loss.item<double>();
  step.value_loss = step.values.loss.item<double>();
  step.norm = optimiser_->step(learning_rate, settings_.clip_gradient);
  return step;
}

base::Metrics WordsTrainer::update(const Rollout& rollout, double learning_rate,
                                   const base::RandomPlace& at) {
  const torch::Tensor advantages = whiten(rollout.gae.advantages, rollout.mask);
  std::vector<Step> steps;
  const auto too_far = [&] {
    return settings_.max_approx_kl > 0 && !steps.empty() &&
           steps.back().policy.approx_kl > 1.5 * settings_.max_approx_kl;
  };
  for (int epoch = 0; epoch < settings_.epochs && !too_far(); ++epoch)
    for (const std::vector<std::size_t>& chosen :
         epoch == 0 ? rollout.first_minibatches : minibatches(at, epoch, rollout.episodes.size())) {
      steps.push_back(take_step(rollout, advantages, chosen, learning_rate));
      const PpoLoss& loss = steps.back().policy;
      if (steps.size() == 1)
        base::check(loss.ratio_max == 1 && loss.ratio_min == 1,
                    "rl: the ratio at the first minibatch is ", loss.ratio_min, " to ",
                    loss.ratio_max, ", not 1: sampling and training forward differ");
      if (too_far()) break;
    }
  kl_.update(rollout.kl, static_cast<std::int64_t>(rollout.episodes.size()));

  const auto mean = [&](auto&& value) {
    double sum = 0;
    for (const Step& step : steps) sum += value(step);
    return sum / static_cast<double>(steps.size());
  };
  const auto finite = [](double x) { return std::isfinite(x) ? x : 0; };
  return {{"loss/policy_avg", mean([](const Step& s) { return s.policy_loss; })},
          {"loss/value_avg", mean([](const Step& s) { return s.value_loss; })},
          {"policy/approxkl_avg", mean([](const Step& s) { return s.policy.approx_kl; })},
          {"policy/clipfrac_avg", mean([](const Step& s) { return s.policy.clip_fraction; })},
          {"val/clipfrac_avg", mean([](const Step& s) { return s.values.clip_fraction; })},
          {"val/ratio", mean([](const Step& s) { return s.policy.ratio; })},
          {"val/ratio_var", steps.front().policy.ratio_variance},
          {"val/ratio_max", steps.front().policy.ratio_max},
          {"val/ratio_min", steps.front().policy.ratio_min},
          {"advantages/mean", masked_mean(rollout.gae.advantages, rollout.mask).item<double>()},
          {"advantages/std", deviation_of(rollout.gae.advantages, rollout.mask)},
          {"returns/mean", masked_mean(rollout.gae.returns, rollout.mask).item<double>()},
          {"returns/std", deviation_of(rollout.gae.returns, rollout.mask)},
          {"grad_norm", mean([&](const Step& s) { return finite(s.norm); })},
          {"steps", static_cast<double>(steps.size())},
          {"steps_skipped", static_cast<double>(steps.size()) *
                                mean([](const Step& s) { return !std::isfinite(s.norm); })},
          {"value/explained_variance",
           explained_variance(rollout.values, rollout.gae.returns, rollout.mask)}};
}

void WordsTrainer::save(model::Checkpoint& checkpoint) const {
  model::add_prefixed(checkpoint.tensors, critic_.values(), "critic.");
  optimiser_->save(checkpoint.tensors, "optimiser.");
  checkpoint.state["beta"] = kl_.beta();
  checkpoint.state["moments"] = moments_.to_json();
}

void WordsTrainer::load(const model::Checkpoint& checkpoint) {
  critic_.assign(model::with_prefix(checkpoint.tensors, "critic."), "checkpoint");
  optimiser_->load(checkpoint.tensors, "optimiser.");
  kl_.restore(checkpoint.state.at("beta"));
  moments_.from_json(checkpoint.state.at("moments"));
}

}  // namespace rl
