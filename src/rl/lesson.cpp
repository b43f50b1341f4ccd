#include "rl/lesson.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "rl/advantages.h"
#include "rl/best_of_n.h"
#include "rl/group_advantages.h"
#include "rl/reward_weighted.h"
#include "rl/token_rewards.h"

namespace rl {
namespace {

bool kl_in_reward(const AlgorithmSettings& s) {
  return s.kl_place == "reward" || s.kl_place == "both";
}

Spread spread_of(const AlgorithmSettings& settings) {
  return settings.variance == "biased" ? Spread::biased : Spread::unbiased;
}

// What groups compare: the reply's score, less the price of its KL where that is in the reward.
torch::Tensor compared(const AlgorithmSettings& settings, const ScoredReplies& replies) {
  return kl_in_reward(settings)
             ? reply_rewards(replies.scores, replies.kl, replies.learned, replies.beta)
             : replies.scores;
}

Lesson ppo_lesson(const AlgorithmSettings& settings, const ScoredReplies& replies,
                  const GaeSettings& gae) {
  Lesson lesson;
  const Advantages found = estimate_advantages(replies.rewards, replies.values, replies.learned,
                                               {.discount = gae.discount, .lambda = gae.lambda});
  lesson.advantages = found.advantages;
  lesson.returns = found.returns;
  lesson.normalised = settings.advantage_scale == "none"
                          ? lesson.advantages
                          : whiten(lesson.advantages, replies.learned, spread_of(settings));
  return lesson;
}

Lesson grpo_lesson(const AlgorithmSettings& settings, const ScoredReplies& replies) {
  const GroupScale scale = settings.advantage_scale == "group"   ? GroupScale::group
                           : settings.advantage_scale == "batch" ? GroupScale::batch
                                                                 : GroupScale::none;
  const torch::Tensor counts = replies.learned.any(1);
  const auto over = [&](GroupScale by) {
    return over_tokens(
        grpo_advantages(
            compared(settings, replies), replies.groups,
            {.scale = by, .spread = spread_of(settings), .epsilon = settings.group_epsilon},
            counts),
        replies.learned);
  };
  return {.advantages = over(GroupScale::none), .normalised = over(scale)};
}

Lesson rloo_lesson(const AlgorithmSettings& settings, const ScoredReplies& replies) {
  Lesson lesson;
  lesson.advantages = over_tokens(
      rloo_advantages(compared(settings, replies), replies.groups, replies.learned.any(1)),
      replies.learned);
  lesson.normalised = settings.advantage_scale == "none"
                          ? lesson.advantages
                          : whiten(lesson.advantages, replies.learned, spread_of(settings));
  return lesson;
}

Lesson reinforce_lesson(const AlgorithmSettings& settings, const ScoredReplies& replies,
                        const GaeSettings& gae) {
  Lesson lesson;
  if (settings.baseline == "group_mean") {
    lesson.advantages =
        over_tokens(grpo_advantages(replies.scores, replies.groups, {.scale = GroupScale::none}),
                    replies.learned);
    lesson.normalised =
        reinforce_pp_baseline_advantages(replies.scores, replies.groups, replies.learned);
  } else {
    lesson.advantages = returns_to_go(replies.rewards, replies.learned, gae.discount);
    lesson.normalised = reinforce_pp_advantages(replies.rewards, replies.learned, gae.discount);
  }
  return lesson;
}

std::map<int, std::vector<std::size_t>> by_group(const std::vector<int>& groups) {
  std::map<int, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < groups.size(); ++i) members[groups[i]].push_back(i);
  return members;
}

// A group's best reply and its worst; nothing where all score the same.
struct Extremes {
  std::size_t best, worst;
};
std::optional<Extremes> extremes(const std::vector<std::size_t>& members,
                                 const std::vector<double>& scores) {
  const auto [worst, best] =
      std::minmax_element(members.begin(), members.end(),
                          [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  if (scores[*best] == scores[*worst]) return std::nullopt;
  return Extremes{*best, *worst};
}

// Those of all but dpo, each learned from by itself.
std::vector<std::size_t> learned_replies(const AlgorithmSettings& settings,
                                         const std::vector<double>& scores,
                                         const std::vector<int>& groups) {
  const Algorithm algorithm = algorithm_named(settings.algorithm);
  if (algorithm == Algorithm::best_of_n) return select_best(scores, groups);
  std::vector<std::size_t> learned;
  if (algorithm == Algorithm::kto && settings.desirable != "positive") {
    for (const auto& [group, members] : by_group(groups))
      if (extremes(members, scores)) learned.insert(learned.end(), members.begin(), members.end());
    return learned;
  }
  learned.resize(scores.size());
  std::iota(learned.begin(), learned.end(), std::size_t{0});
  return learned;
}

}  // namespace

bool imitates(Algorithm algorithm) {
  return algorithm == Algorithm::best_of_n || algorithm == Algorithm::reward_weighted ||
         algorithm == Algorithm::sft;
}

std::vector<std::vector<std::size_t>> learning_units(const AlgorithmSettings& settings,
                                                     const std::vector<double>& scores,
                                                     const std::vector<int>& groups,
                                                     const std::vector<int>& states) {
  base::check(scores.size() == groups.size() && scores.size() == states.size(),
              "learning_units: ", scores.size(), " scores, ", groups.size(), " groups, ",
              states.size(), " states");
  std::vector<std::vector<std::size_t>> units;
  if (algorithm_named(settings.algorithm) == Algorithm::dpo) {
    for (const auto& [group, members] : by_group(groups))
      if (const auto found = extremes(members, scores))
        units.push_back({found->best, found->worst});
    return units;
  }
  std::map<int, std::vector<std::size_t>> by_state;
  for (std::size_t reply : learned_replies(settings, scores, groups))
    by_state[states[reply]].push_back(reply);
  for (const auto& [state, members] : by_state) units.push_back(members);
  return units;
}

Lesson make_lesson(const AlgorithmSettings& settings, const ScoredReplies& replies,
                   const GaeSettings& gae) {
  switch (algorithm_named(settings.algorithm)) {
    case Algorithm::ppo:
      return ppo_lesson(settings, replies, gae);
    case Algorithm::grpo:
      return grpo_lesson(settings, replies);
    case Algorithm::rloo:
      return rloo_lesson(settings, replies);
    case Algorithm::reinforce_pp:
      return reinforce_lesson(settings, replies, gae);
    case Algorithm::dpo:
      return {};
    case Algorithm::kto:
      if (settings.desirable == "positive") return {.desirable = replies.scores > 0};
      return {.desirable =
                  grpo_advantages(replies.scores, replies.groups, {.scale = GroupScale::none}) > 0};
    case Algorithm::best_of_n:
    case Algorithm::sft:
      return {.weights = torch::ones_like(replies.scores)};
    case Algorithm::reward_weighted:
      return {.weights = reward_weights(replies.scores, replies.groups,
                                        {.beta = settings.weight_beta,
                                         .scope = weight_scope(settings.weight_scope),
                                         .largest = settings.weight_cap})};
  }
  throw base::Error(base::ErrorKind::internal, "no such algorithm");
}

}  // namespace rl
