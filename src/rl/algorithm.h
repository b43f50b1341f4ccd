#pragma once

#include <string>
#include <vector>

namespace rl {

// The algorithms by which a policy can learn from scores, pairs, judgements or demonstrations.
// docs/rl.md has each in half a page.
enum class Algorithm {
  ppo,              // ppo_loss over estimate_advantages
  grpo,             // ppo_loss over grpo_advantages; with DAPO's and Dr. GRPO's switches
  rloo,             // ppo_loss or reinforce_loss over rloo_advantages
  reinforce_pp,     // ppo_loss over reinforce_pp_advantages, or the variant with a baseline
  dpo,              // dpo_loss
  kto,              // kto_loss
  best_of_n,        // select_best, then imitation
  reward_weighted,  // reward_weights, weighted_imitation_loss
  sft,              // imitation
};
// Throws base::UsageError, with the names there are, for another.
Algorithm algorithm_named(const std::string& name);
std::string name_of(Algorithm algorithm);

// Whether the algorithm learns from the policy's own replies by advantages (ppo, grpo, rloo,
// reinforce_pp), whose distance to the policy that sampled them it must mind.
bool learns_by_advantages(Algorithm algorithm);

// Which estimator goes where, as a recipe says it. What is "auto" is filled in by resolved().
struct AlgorithmSettings {
  std::string algorithm = "ppo";
  // Advantages
  std::string baseline = "auto";
  std::string advantage_scale = "auto";
  int group_size = 8;
  double group_epsilon = 1e-4;
  std::string variance = "unbiased";
  bool dynamic_sampling = false;
  // The critic, where it is the baseline
  std::string critic = "trunk";
  int critic_warmup = 0;
  double critic_learning_rate = 0;
  // The sampler
  std::string rollout_weights = "computed";
  double sampler_cap = -1;
  // The policy's loss
  std::string ratio = "token";
  double clip_low = .2;
  double clip_high = .2;
  double dual_clip = 0;
  std::string aggregation = "auto";
  // KL to the reference
  std::string kl_place = "auto";
  std::string kl_reward = "k1";
  std::string kl_loss = "auto";
  std::string kl_ratio = "none";
  std::string beta_unit = "auto";
  // Length
  bool mask_truncated = false;
  int length_cache = 0;
  // Preferences and demonstrations
  std::string preference = "sigmoid";
  double preference_beta = .1;
  double label_noise = 0;
  std::string log_prob_length = "sum";
  std::string desirable = "auto";
  double desirable_weight = 1;
  double undesirable_weight = 1;
  double weight_beta = 1;
  std::string weight_scope = "auto";
  double weight_cap = 20;

  template <class F>
  void fields(F&& field) {
    field("algorithm", algorithm,
          "ppo, grpo, rloo, reinforce_pp, dpo, kto, best_of_n, reward_weighted or sft");
    field(
        "baseline", baseline,
        "what an advantage is above: critic (ppo), group_mean (grpo, reinforce_pp), leave_one_out "
        "(rloo) or none (reinforce_pp)");
    field("advantage_scale", advantage_scale,
          "what advantages are divided by: the deviation of their group or batch, or none");
    field("group_size", group_size, "replies to one state");
    field("group_epsilon", group_epsilon, "added to a group's deviation");
    field(
        "variance", variance,
        "behind the deviation that advantages of ppo, grpo and rloo are divided by: unbiased (n - "
        "1, as in TRL and verl) or biased (n, as Ziegler et al. 2019)");
    field("dynamic_sampling", dynamic_sampling,
          "draw other states in place of those whose replies all score the same (DAPO)");
    field("critic", critic,
          "where the value function of ppo reads a state: trunk (the policy's hidden states, which "
          "learn from its loss, too) or apart (a language model of its own beside the policy)");
    field("critic_warmup", critic_warmup,
          "iterations at the start in which only the value function learns, of the words");
    field("critic_learning_rate", critic_learning_rate,
          "Adam's step size for a value function that learns by itself (apart, or in the warm-up), "
          "falling to 0; 0: learning_rate");
    field("rollout_weights", rollout_weights,
          "what rollouts are decoded with: computed (in the type of run.compute), or int8 (8 bits, "
          "on the processor), whose tokens are weighed against the policy's own (sampler_cap)");
    field("sampler_cap", sampler_cap,
          "largest weight of truncated importance sampling against the sampler; 0: no weights; -1: "
          "2 where rollout_weights are int8, else none");
    field("ratio", ratio, "of probabilities, new to old: of a token, or a whole sequence (GSPO)");
    field("clip_low", clip_low, "how far below 1 the ratio may fall and still count");
    field("clip_high", clip_high, "how far above 1 it may rise; DAPO: .28");
    field("dual_clip", dual_clip,
          "a negative advantage costs at most this many times itself; 0: no bound");
    field("aggregation", aggregation,
          "how tokens' losses become one: token_mean, sequence_mean or constant_length (Dr. GRPO)");
    field("kl_place", kl_place, "the KL's: reward, loss, both or none");
    field("kl_reward", kl_reward, "estimator of the KL in the reward; only k1 is right");
    field("kl_loss", kl_loss,
          "estimator of the KL in the loss: k2, k3 (grpo's own) or, with kl_ratio=full, k1");
    field("kl_ratio", kl_ratio,
          "what the KL loss is multiplied by after the first epoch: none, detached or full");
    field(
        "beta_unit", beta_unit,
        "what beta prices a nat in: score, or advantage where the KL is in the loss and advantages "
        "are divided by their deviation; to be said wherever that is not the algorithm's own way");
    field("mask_truncated", mask_truncated, "do not learn from replies that were cut off (DAPO)");
    field("length_cache", length_cache,
          "tokens before the longest reply from which length is punished (DAPO); 0: it is not");
    field("preference", preference, "loss of dpo: sigmoid, conservative, robust or ipo");
    field("preference_beta", preference_beta, "beta of dpo and kto");
    field("label_noise", label_noise,
          "share of pairs the wrong way round, for conservative and robust");
    field("log_prob_length", log_prob_length,
          "a reply's log-probability is the sum over its tokens, or the mean (ipo only)");
    field("desirable", desirable,
          "replies that kto calls so: above_mean (of their group's scores) or positive (scores "
          "above 0: how judgements in a file are told)");
    field("desirable_weight", desirable_weight, "of desirable replies in kto");
    field("undesirable_weight", undesirable_weight, "of undesirable replies in kto");
    field("weight_beta", weight_beta, "reward_weighted imitates as exp(score / this)");
    field("weight_scope", weight_scope,
          "where those weights have mean 1: batch, group (of replies to one state) or none");
    field("weight_cap", weight_cap,
          "largest such weight, or of a click (click_position_bias); 0: no bound");
  }
};

// The settings with every "auto" filled in as the algorithm's authors have it.
AlgorithmSettings resolved(AlgorithmSettings settings);

// What a published method is made of, by name: ppo, grpo, dr_grpo, dapo, gspo, rloo, reinforce_pp,
// reinforce_pp_baseline, dpo, cdpo, robust_dpo, ipo, kto, best_of_n, reward_weighted, sft. Complete
// and sound. Throws base::UsageError, with the names there are, for another.
AlgorithmSettings published(const std::string& method);
std::vector<std::string> published_methods();

// Refuses what the theory says is wrong, and says why: base::UsageError with the setting, the
// reason and what to use. Unknown words and numbers out of range are refused, too. Warnings are no
// part of it: what passes has the gradient that it claims to have.
void check_algorithm(const AlgorithmSettings& settings);

}  // namespace rl
