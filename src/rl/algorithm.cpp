#include "rl/algorithm.h"

#include <algorithm>
#include <functional>
#include <map>
#include <utility>

#include "base/error.h"

namespace rl {
namespace {

using Words = std::vector<std::string>;

std::string listed(const Words& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

bool is_one_of(const std::string& word, const Words& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

void check_word(const char* name, const std::string& word, const Words& known) {
  if (!is_one_of(word, known))
    throw base::UsageError(name, " is \"", word, "\", but must be one of ", listed(known));
}

void check_words(const AlgorithmSettings& s) {
  check_word("baseline", s.baseline, {"critic", "group_mean", "leave_one_out", "none"});
  check_word("critic", s.critic, {"trunk", "apart"});
  check_word("advantage_scale", s.advantage_scale, {"group", "batch", "none"});
  check_word("variance", s.variance, {"unbiased", "biased"});
  check_word("rollout_weights", s.rollout_weights, {"computed", "int8"});
  check_word("ratio", s.ratio, {"token", "sequence"});
  check_word("aggregation", s.aggregation, {"token_mean", "sequence_mean", "constant_length"});
  check_word("kl_place", s.kl_place, {"reward", "loss", "both", "none"});
  check_word("kl_reward", s.kl_reward, {"k1", "k2", "k3", "absolute"});
  check_word("kl_loss", s.kl_loss, {"k1", "k2", "k3", "absolute"});
  check_word("kl_ratio", s.kl_ratio, {"none", "detached", "full"});
  check_word("beta_unit", s.beta_unit, {"score", "advantage"});
  check_word("preference", s.preference, {"sigmoid", "conservative", "robust", "ipo"});
  check_word("desirable", s.desirable, {"above_mean", "positive"});
  check_word("log_prob_length", s.log_prob_length, {"sum", "mean"});
  check_word("weight_scope", s.weight_scope, {"batch", "group", "none"});
}

void check_numbers(const AlgorithmSettings& s) {
  const auto need = [](bool holds, const char* name, double found, const char* expected) {
    if (!holds) throw base::UsageError(name, " is ", found, ", but must be ", expected);
  };
  need(s.group_size >= 1, "group_size", s.group_size, "at least 1");
  need(s.group_epsilon > 0, "group_epsilon", s.group_epsilon,
       "positive: a group whose scores are all the same has deviation 0");
  need(s.clip_low > 0 && s.clip_low < 1, "clip_low", s.clip_low,
       "between 0 and 1: the ratio is held above 1 - clip_low, and is positive anyway");
  need(s.clip_high > 0, "clip_high", s.clip_high, "positive");
  need(s.dual_clip == 0 || s.dual_clip > 1, "dual_clip", s.dual_clip,
       "0 or above 1: a bound of the loss below |A| would take the gradient away at ratio 1");
  need(s.sampler_cap == 0 || s.sampler_cap >= 1, "sampler_cap", s.sampler_cap,
       "0, at least 1, or -1 for what rollout_weights need: a cap below 1 shrinks the loss even "
       "where sampler and training agree");
  need(s.critic_warmup >= 0, "critic_warmup", s.critic_warmup, "0 or more");
  need(s.critic_learning_rate >= 0, "critic_learning_rate", s.critic_learning_rate, "0 or more");
  need(s.length_cache >= 0, "length_cache", s.length_cache, "0 or more");
  need(s.preference_beta > 0, "preference_beta", s.preference_beta, "positive");
  need(s.label_noise >= 0 && s.label_noise < .5, "label_noise", s.label_noise,
       "a share in [0, .5): at a half the pairs tell nothing");
  need(s.desirable_weight > 0, "desirable_weight", s.desirable_weight, "positive");
  need(s.undesirable_weight > 0, "undesirable_weight", s.undesirable_weight, "positive");
  need(s.weight_beta > 0, "weight_beta", s.weight_beta, "positive");
  need(s.weight_cap >= 0, "weight_cap", s.weight_cap, "0 or more");
}

bool in_reward(const AlgorithmSettings& s) { return is_one_of(s.kl_place, {"reward", "both"}); }
bool in_loss(const AlgorithmSettings& s) { return is_one_of(s.kl_place, {"loss", "both"}); }

void check_kl_in_reward(const AlgorithmSettings& s) {
  if (in_reward(s) && s.kl_reward != "k1")
    throw base::UsageError(
        "kl_reward=", s.kl_reward, ": a reward multiplies grad log p, and the mean of ",
        s.kl_reward, " * grad log p is not the gradient of KL(policy || reference) but vanishes ",
        "near the reference, so the policy is hardly held back. Only k1 = log p - log q has the ",
        "right one; use kl_reward=k1, or kl_place=loss");
}

void check_kl_in_loss(const AlgorithmSettings& s) {
  if (!in_loss(s)) return;
  if (s.kl_loss == "absolute")
    throw base::UsageError("kl_loss=absolute: the gradient of |log p - log q| is that of no KL; ",
                           "use k2");
  if (s.kl_loss == "k1" && s.kl_ratio != "full")
    throw base::UsageError(
        "kl_loss=k1: the gradient of log p - log q is grad log p, whose mean over the policy's "
        "own ",
        "samples is 0, so the policy is not held back at all. Use kl_loss=k2, or k1 with ",
        "kl_ratio=full, whose ratio carries the gradient");
  if (s.kl_loss == "k2" && s.kl_ratio == "full")
    throw base::UsageError(
        "kl_loss=k2 with kl_ratio=full: the gradient through the ratio comes on top of k2's own, ",
        "which is right by itself. Use kl_ratio=none or detached, or k1 or k3 with full");
}

void check_beta_unit(const AlgorithmSettings& s) {
  const bool divided = s.advantage_scale != "none";
  if (in_loss(s) && divided && s.beta_unit != "advantage")
    throw base::UsageError(
        "the KL is in the loss and advantages are divided by the deviation of their ",
        s.advantage_scale,
        ": beta then acts as beta * that deviation would in scores, which grows ",
        "and shrinks with the scores' spread. Say beta_unit=advantage if beta is meant so; else ",
        "advantage_scale=none, or kl_place=reward, where both are divided alike");
  if (s.beta_unit == "advantage" && !(in_loss(s) && divided))
    throw base::UsageError(
        "beta_unit=advantage, but beta prices a nat in score here: only where the KL is in the ",
        "loss (kl_place) and advantages are divided by a deviation (advantage_scale) is it "
        "otherwise");
  if (s.kl_place == "both" && s.beta_unit == "advantage")
    throw base::UsageError(
        "kl_place=both with divided advantages: one beta would be two prices, in ",
        "score in the reward and in advantage in the loss; choose one place");
}

void check_critic(const AlgorithmSettings& s, Algorithm algorithm) {
  const bool apart = s.critic == "apart";
  if (algorithm != Algorithm::ppo && (apart || s.critic_warmup > 0 || s.critic_learning_rate > 0))
    throw base::UsageError(apart                 ? "critic=apart"
                           : s.critic_warmup > 0 ? "critic_warmup"
                                                 : "critic_learning_rate",
                           " with ", s.algorithm, ", which has no critic; only ppo has one");
  if (s.critic_learning_rate > 0 && !apart && s.critic_warmup == 0)
    throw base::UsageError(
        "critic_learning_rate with critic=trunk and no critic_warmup: the value function and the ",
        "policy then take their steps together, by learning_rate; set critic=apart or a warm-up");
}

void check_sampled(const AlgorithmSettings& s, Algorithm algorithm) {
  const std::map<Algorithm, Words> baselines = {{Algorithm::ppo, {"critic"}},
                                                {Algorithm::grpo, {"group_mean"}},
                                                {Algorithm::rloo, {"leave_one_out"}},
                                                {Algorithm::reinforce_pp, {"none", "group_mean"}}};
  check_word("baseline", s.baseline, baselines.at(algorithm));
  const bool compares = s.baseline == "group_mean" || s.baseline == "leave_one_out";
  if (compares && s.group_size < 2)
    throw base::UsageError("baseline=", s.baseline, " with group_size=", s.group_size,
                           ": a reply alone has nothing to be compared with, and its advantage is ",
                           "always 0; use at least 2, usually 4 to 16");
  if (s.advantage_scale == "group" && algorithm != Algorithm::grpo)
    throw base::UsageError("advantage_scale=group with ", s.algorithm,
                           ": only grpo divides by its group's deviation; use batch or none");
  if (algorithm == Algorithm::reinforce_pp && s.advantage_scale != "batch")
    throw base::UsageError(
        "reinforce_pp is defined by advantages divided by the batch's deviation: ",
        "advantage_scale=batch; without it use rloo");
  if (s.dynamic_sampling && !compares)
    throw base::UsageError("dynamic_sampling leaves out groups whose replies all score the same, ",
                           "but ", s.algorithm, " with baseline=", s.baseline, " has no groups");
  if (s.ratio == "sequence" && (s.baseline == "critic" || s.baseline == "none"))
    throw base::UsageError("ratio=sequence with advantages that differ from token to token: one ",
                           "ratio for the whole reply (GSPO) needs one advantage for it; use grpo ",
                           "or rloo");
  if (s.baseline == "group_mean" && algorithm == Algorithm::reinforce_pp && in_reward(s))
    throw base::UsageError("reinforce_pp with baseline=group_mean gives every token its reply's ",
                           "centred score; the KL goes into the loss: kl_place=loss, "
                           "beta_unit=advantage");
}

void check_offline(const AlgorithmSettings& s, Algorithm algorithm) {
  if (s.dynamic_sampling)
    throw base::UsageError("dynamic_sampling with ", s.algorithm,
                           ", which learns from what others ",
                           "said: only grpo, rloo and reinforce_pp draw replies anew");
  if (s.kl_place != "none")
    throw base::UsageError(
        "kl_place=", s.kl_place, " with ", s.algorithm,
        ": it has no rollouts of its own to measure a KL on. Its distance to the ",
        "reference is set by ",
        algorithm == Algorithm::dpo || algorithm == Algorithm::kto ? "preference_beta"
        : algorithm == Algorithm::reward_weighted                  ? "weight_beta"
                                                                   : "its demonstrations",
        "; use kl_place=none");
  if (s.beta_unit != "score")
    throw base::UsageError("beta_unit=", s.beta_unit, " with ", s.algorithm,
                           ", which has no advantages; use score");
  const bool takes_noise = is_one_of(s.preference, {"conservative", "robust"});
  if (s.label_noise > 0 && !(algorithm == Algorithm::dpo && takes_noise))
    throw base::UsageError("label_noise=", s.label_noise,
                           " is of dpo with preference=conservative ", "or robust; ", s.algorithm,
                           " with ", s.preference, " does not read it");
  if (s.log_prob_length == "mean" && !(algorithm == Algorithm::dpo && s.preference == "ipo"))
    throw base::UsageError(
        "log_prob_length=mean: the implicit reward beta log (p / q) is of whole ",
        "replies, so their log-probabilities are sums; only ipo has a variant ", "with means");
  if (algorithm == Algorithm::best_of_n && s.group_size < 2)
    throw base::UsageError("best_of_n with group_size=", s.group_size,
                           ": the best of one reply is that reply; use at least 2");
  if (algorithm == Algorithm::reward_weighted && s.weight_scope == "group" && s.group_size < 2)
    throw base::UsageError(
        "weight_scope=group with group_size=", s.group_size,
        ": a reply alone in its group always weighs 1; use batch, or groups of 2 ", "and more");
}

const std::vector<std::pair<Algorithm, std::string>>& names() {
  static const std::vector<std::pair<Algorithm, std::string>> all = {
      {Algorithm::ppo, "ppo"},
      {Algorithm::grpo, "grpo"},
      {Algorithm::rloo, "rloo"},
      {Algorithm::reinforce_pp, "reinforce_pp"},
      {Algorithm::dpo, "dpo"},
      {Algorithm::kto, "kto"},
      {Algorithm::best_of_n, "best_of_n"},
      {Algorithm::reward_weighted, "reward_weighted"},
      {Algorithm::sft, "sft"}};
  return all;
}

// What each method's paper changes in the settings of its algorithm.
using Change = std::function<void(AlgorithmSettings&)>;
struct Method {
  std::string name;
  Algorithm algorithm;
  Change change;
};

void change_grpo(AlgorithmSettings& s) {  // Shao et al. 2024
  s.kl_loss = "k3";
  s.beta_unit = "advantage";
}
void change_dr_grpo(AlgorithmSettings& s) {  // Liu et al. 2025
  s.advantage_scale = "none";
  s.aggregation = "constant_length";
  s.kl_place = "none";
}
void change_dapo(AlgorithmSettings& s) {  // Yu et al. 2025
  s.clip_high = .28;
  s.aggregation = "token_mean";
  s.kl_place = "none";
  s.dynamic_sampling = true;
  s.mask_truncated = true;
}
void change_gspo(AlgorithmSettings& s) {  // Zheng et al. 2025
  s.ratio = "sequence";
  s.clip_low = 3e-4;
  s.clip_high = 4e-4;
  s.kl_place = "none";
}
void change_reinforce_pp_baseline(AlgorithmSettings& s) {  // Hu et al. 2025
  s.baseline = "group_mean";
  s.kl_place = "loss";
  s.beta_unit = "advantage";
}
void change_preference(AlgorithmSettings& s, const char* kind, double label_noise) {
  s.preference = kind;
  s.label_noise = label_noise;
}

const std::vector<Method>& methods() {
  const auto as_it_is = [](AlgorithmSettings&) {};
  static const std::vector<Method> all = {
      {"ppo", Algorithm::ppo, as_it_is},
      {"grpo", Algorithm::grpo, change_grpo},
      {"dr_grpo", Algorithm::grpo, change_dr_grpo},
      {"dapo", Algorithm::grpo, change_dapo},
      {"gspo", Algorithm::grpo, change_gspo},
      {"rloo", Algorithm::rloo, as_it_is},
      {"reinforce_pp", Algorithm::reinforce_pp, as_it_is},
      {"reinforce_pp_baseline", Algorithm::reinforce_pp, change_reinforce_pp_baseline},
      {"dpo", Algorithm::dpo, as_it_is},
      {"cdpo", Algorithm::dpo,
       [](AlgorithmSettings& s) { change_preference(s, "conservative", .1); }},
      {"robust_dpo", Algorithm::dpo,
       [](AlgorithmSettings& s) { change_preference(s, "robust", .1); }},
      {"ipo", Algorithm::dpo, [](AlgorithmSettings& s) { change_preference(s, "ipo", 0); }},
      {"kto", Algorithm::kto, as_it_is},
      {"best_of_n", Algorithm::best_of_n, as_it_is},
      {"reward_weighted", Algorithm::reward_weighted, as_it_is},
      {"sft", Algorithm::sft, as_it_is}};
  return all;
}

}  // namespace

Algorithm algorithm_named(const std::string& name) {
  Words known;
  for (const auto& [algorithm, text] : names()) {
    if (text == name) return algorithm;
    known.push_back(text);
  }
  throw base::UsageError("algorithm is \"", name, "\", but must be one of ", listed(known));
}

std::string name_of(Algorithm algorithm) {
  for (const auto& [known, text] : names())
    if (known == algorithm) return text;
  base::check(false, "an algorithm without a name");
  return "";
}

bool learns_by_advantages(Algorithm algorithm) {
  return algorithm == Algorithm::ppo || algorithm == Algorithm::grpo ||
         algorithm == Algorithm::rloo || algorithm == Algorithm::reinforce_pp;
}

AlgorithmSettings resolved(AlgorithmSettings settings) {
  struct Defaults {
    const char *baseline, *advantage_scale, *aggregation, *kl_place;
  };
  const std::map<Algorithm, Defaults> defaults = {
      {Algorithm::ppo, {"critic", "batch", "token_mean", "reward"}},
      {Algorithm::grpo, {"group_mean", "group", "sequence_mean", "loss"}},
      {Algorithm::rloo, {"leave_one_out", "none", "token_mean", "reward"}},
      {Algorithm::reinforce_pp, {"none", "batch", "token_mean", "reward"}}};
  const auto found = defaults.find(algorithm_named(settings.algorithm));
  const Defaults own =
      found == defaults.end() ? Defaults{"none", "none", "token_mean", "none"} : found->second;
  const bool own_place = settings.kl_place == "auto";
  const auto fill = [](std::string& setting, const char* value) {
    if (setting == "auto") setting = value;
  };
  fill(settings.baseline, own.baseline);
  fill(settings.advantage_scale, own.advantage_scale);
  fill(settings.aggregation, own.aggregation);
  fill(settings.kl_place, own.kl_place);
  // GRPO's authors price KL in advantages; whoever else puts it there has to say so.
  const bool is_grpo = settings.algorithm == "grpo" && own_place;
  fill(settings.beta_unit,
       is_grpo && in_loss(settings) && settings.advantage_scale != "none" ? "advantage" : "score");
  fill(settings.kl_loss, settings.algorithm == "grpo" ? "k3" : "k2");
  if (settings.sampler_cap == -1) settings.sampler_cap = settings.rollout_weights == "int8" ? 2 : 0;
  fill(settings.desirable, "above_mean");
  fill(settings.weight_scope, settings.group_size > 1 ? "group" : "batch");
  return settings;
}

std::vector<std::string> published_methods() {
  Words out;
  for (const Method& method : methods()) out.push_back(method.name);
  return out;
}

AlgorithmSettings published(const std::string& method) {
  for (const Method& known : methods())
    if (known.name == method) {
      AlgorithmSettings settings;
      settings.algorithm = name_of(known.algorithm);
      known.change(settings);
      return resolved(settings);
    }
  throw base::UsageError("\"", method, "\" is no published method; there are ",
                         listed(published_methods()));
}

void check_algorithm(const AlgorithmSettings& settings) {
  const AlgorithmSettings s = resolved(settings);
  const Algorithm algorithm = algorithm_named(s.algorithm);
  check_words(s);
  check_numbers(s);
  check_critic(s, algorithm);
  if (learns_by_advantages(algorithm)) {
    check_kl_in_reward(s);
    check_kl_in_loss(s);
    check_beta_unit(s);
    check_sampled(s, algorithm);
  } else {
    check_offline(s, algorithm);
  }
}

}  // namespace rl
