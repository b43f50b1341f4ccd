#include "rl/unread_settings.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/settings.h"

namespace rl {
namespace {

using Readers = std::vector<Algorithm>;

// Who reads the settings that not all read.
const std::map<std::string, Readers>& readers() {
  using enum Algorithm;
  static const Readers sampling = {ppo, grpo, rloo, reinforce_pp};
  static const Readers comparing = {grpo, rloo, reinforce_pp, dpo, kto, best_of_n, reward_weighted};
  static const std::map<std::string, Readers> all = {
      {"group_size", comparing},
      {"group_epsilon", {grpo}},
      {"dynamic_sampling", {grpo, rloo, reinforce_pp}},
      {"variance", {ppo, grpo, rloo}},
      {"advantage_scale", sampling},
      {"ratio", sampling},
      {"clip_low", sampling},
      {"clip_high", sampling},
      {"dual_clip", sampling},
      {"sampler_cap", sampling},
      {"rollout_weights", sampling},
      {"entropy_weight", sampling},
      {"kl_reward", sampling},
      {"kl_loss", sampling},
      {"kl_ratio", sampling},
      {"discount", {ppo, reinforce_pp}},
      {"whiten_rewards", {ppo, reinforce_pp}},
      {"lambda", {ppo}},
      {"value_clip", {ppo}},
      {"value_weight", {ppo}},
      {"preference", {dpo}},
      {"label_noise", {dpo}},
      {"log_prob_length", {dpo}},
      {"preference_beta", {dpo, kto}},
      {"desirable", {kto}},
      {"desirable_weight", {kto}},
      {"undesirable_weight", {kto}},
      {"weight_beta", {reward_weighted}},
      {"weight_scope", {reward_weighted}},
      {"weight_cap", {reward_weighted, dpo, kto, sft}}};  // of clicks, too
  return all;
}

base::Json resolved_values(RlSettings settings) {
  static_cast<AlgorithmSettings&>(settings) = resolved(settings);
  return base::to_json(base::list_settings(settings));
}

std::string listed(const Readers& algorithms) {
  std::string text;
  for (const Algorithm algorithm : algorithms)
    text += (text.empty() ? "" : ", ") + name_of(algorithm);
  return text;
}

}  // namespace

void refuse_unread(const RlSettings& settings) {
  RlSettings usual;
  usual.algorithm = settings.algorithm;
  const base::Json own = resolved_values(settings), usual_values = resolved_values(usual);
  const Algorithm algorithm = algorithm_named(settings.algorithm);
  for (const auto& [name, algorithms] : readers()) {
    const bool reads =
        std::find(algorithms.begin(), algorithms.end(), algorithm) != algorithms.end();
    if (!reads && own.at(name) != usual_values.at(name))
      throw base::UsageError(name, " is ", own.at(name).dump(), ", but ", settings.algorithm,
                             " does not read it; it is for ", listed(algorithms), ". Leave it at ",
                             usual_values.at(name).dump());
  }
}

}  // namespace rl
