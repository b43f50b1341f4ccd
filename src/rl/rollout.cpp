#include "rl/rollout.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "rl/kl.h"
#include "rl/masked.h"
#include "rl/token_rewards.h"

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

std::vector<int> modes_of(const std::vector<Episode>& episodes) {
  std::vector<int> modes;
  for (const Episode& episode : episodes) modes.push_back(episode.action.recommends);
  return modes;
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

bool by_advantages(const RlSettings& settings) {
  return learns_by_advantages(algorithm_named(settings.algorithm));
}

// What is scored together: the first minibatches; of other algorithms, where some replies may be in
// none of them, all replies in their order.
Minibatches scored_together(const Rollout& rollout, const RlSettings& settings) {
  if (by_advantages(settings)) return rollout.first_minibatches;
  Minibatches batches;
  for (std::size_t i = 0; i < rollout.episodes.size(); ++i) {
    if (i % static_cast<std::size_t>(settings.minibatch) == 0) batches.emplace_back();
    batches.back().push_back(i);
  }
  return batches;
}

// The scores, each with what follows its mode, score and price of its words together, less the mean
// of that over the mode's replies.
std::vector<double> centered_by_mode(const Rollout& rollout) {
  std::vector<double> following = rollout.scores, scores = rollout.scores;
  for (std::size_t b = 0; b < scores.size(); ++b)
    following[b] += rollout.rewards[static_cast<std::int64_t>(b)]
                        .narrow(0, 1, rollout.rewards.size(1) - 1)
                        .sum()
                        .item<double>();
  const std::vector<double> centered = centered_by_group(following, modes_of(rollout.episodes));
  for (std::size_t b = 0; b < scores.size(); ++b) scores[b] += centered[b] - following[b];
  return scores;
}

}  // namespace

Rollout begin_rollout(std::vector<Episode> episodes, std::vector<double> raw_scores,
                      const std::vector<int>& states, const RlSettings& settings) {
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
        settings.learn_mode ? state : 2 * state + rollout.episodes[i].action.recommends);
  }
  return rollout;
}

Rollout with_scores(Rollout rollout, const RlSettings& settings, RunningMoments& moments) {
  rollout.scaled_scores = settings.score_scaling == "none" ? rollout.raw_scores
                          : settings.score_scaling == "standard"
                              ? standard_scores(rollout.raw_scores, settings.score_clip, moments)
                              : scale_scores(rollout.raw_scores, settings.score_clip, moments);
  rollout.scores = rollout.scaled_scores;
  const bool fixed = settings.missing_end == "fixed";
  for (std::size_t b = 0; b < rollout.scores.size(); ++b)
    if (!rollout.episodes[b].action.ended)
      rollout.scores[b] = (fixed ? 0 : rollout.scores[b]) - settings.missing_end_penalty;
  if (settings.length_cache == 0) return rollout;
  std::vector<double> lengths;
  for (const Episode& episode : rollout.episodes)
    lengths.push_back(static_cast<double>(episode.tokens.size()));
  const torch::Tensor penalties =
      soft_length_penalty(torch::tensor(lengths), settings.max_tokens, settings.length_cache);
  for (std::size_t b = 0; b < rollout.scores.size(); ++b)
    rollout.scores[b] += penalties[static_cast<std::int64_t>(b)].item<double>();
  return rollout;
}

Rollout with_units(Rollout rollout, const RlSettings& settings, const base::RandomPlace& at) {
  rollout.units = learning_units(settings, rollout.scores, rollout.groups, rollout.states);
  if (algorithm_named(settings.algorithm) == Algorithm::kto)
    rollout.units = with_room_for_strangers(rollout.units, settings.minibatch);
  rollout.first_minibatches = lay_out(rollout.units, settings.minibatch, at, 0);
  return rollout;
}

Minibatches lay_out(const std::vector<std::vector<std::size_t>>& units, int minibatch,
                    const base::RandomPlace& at, int epoch) {
  std::vector<std::size_t> order(units.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  base::Random({at.seed, "rl/minibatches", at.step, static_cast<std::uint64_t>(epoch)})
      .shuffle(order);
  Minibatches out;
  for (std::size_t unit : order) {
    if (out.empty() || out.back().size() + units[unit].size() > static_cast<std::size_t>(minibatch))
      out.emplace_back();
    out.back().insert(out.back().end(), units[unit].begin(), units[unit].end());
  }
  return out;
}

Rollout with_log_probs(Rollout rollout, const WordsModels& models, const RlSettings& settings) {
  torch::NoGradGuard no_grad;
  const CurrentWeights current = current_weights(models);
  const std::size_t n = rollout.episodes.size();
  std::vector<torch::Tensor> log_probs(n), reference(n), values(n), mask(n), entropies(n), sampled;
  for (const std::vector<std::size_t>& chosen : scored_together(rollout, settings)) {
    std::vector<const Episode*> batch;
    for (std::size_t i : chosen) batch.push_back(&rollout.episodes[i]);
    const TokenScores now = score_policy(models, current, batch, settings);
    const TokenScores then = score_reference(models, batch, settings);
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
  if (by_advantages(settings)) {
    const auto of_replies = [&](const torch::Tensor& kl) {
      return reply_sums(kl, rollout.mask).mean().item<double>();
    };
    rollout.kl = of_replies(kl_k1(rollout.log_probs, rollout.reference));
    rollout.kl_k3 = of_replies(kl_k3(rollout.log_probs, rollout.reference));
  }
  if (rollout.episodes.front().sampled_log_probs.empty()) return rollout;  // nobody sampled
  for (const Episode& episode : rollout.episodes)
    sampled.push_back(torch::tensor(episode.sampled_log_probs).to(torch::kFloat32));
  rollout.sampled = pad(sampled);
  // The sampler was the policy, or for the algorithms without advantages its reference.
  const torch::Tensor& sampler = by_advantages(settings) ? rollout.log_probs : rollout.reference;
  rollout.mismatch = sampler_mismatch(sampler, rollout.sampled, rollout.mask);
  return rollout;
}

torch::Tensor learned_tokens(const Rollout& rollout, const RlSettings& settings) {
  torch::Tensor learned = rollout.mask.clone();
  if (settings.mask_truncated) {
    torch::Tensor ended = torch::empty({learned.size(0)}, torch::kBool);
    for (std::size_t b = 0; b < rollout.episodes.size(); ++b)
      ended[static_cast<std::int64_t>(b)] = rollout.episodes[b].action.ended;
    learned = without_truncated(learned, ended).clone();
  }
  // PPO keeps the mode, for the price of its KL; its score is centred in with_rewards.
  if (!settings.learn_mode && algorithm_named(settings.algorithm) != Algorithm::ppo)
    learned.select(1, 0).fill_(false);
  return learned;
}

Rollout with_rewards(Rollout rollout, const RlSettings& settings, double beta) {
  const bool in_reward = settings.kl_place == "reward" || settings.kl_place == "both";
  rollout.beta = beta;
  const torch::Tensor k1 = kl_k1(rollout.log_probs, rollout.reference);
  const auto rewards = [&](const std::vector<double>& scores) {
    return token_rewards(torch::tensor(scores), k1, rollout.learned, in_reward ? beta : 0);
  };
  rollout.rewards = rewards(std::vector<double>(rollout.scores.size()));
  rollout.non_score = rollout.rewards.sum(1).mean().item<double>();
  if (!settings.learn_mode && algorithm_named(settings.algorithm) == Algorithm::ppo)
    rollout.scores = centered_by_mode(rollout);
  rollout.rewards = rewards(rollout.scores);
  return rollout;
}

}  // namespace rl
