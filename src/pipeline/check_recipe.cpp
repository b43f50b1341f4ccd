#include "pipeline/check_recipe.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "base/error.h"
#include "base/time.h"
#include "feedback/store.h"
#include "rl/reply_source.h"
#include "rl/unread_settings.h"

namespace pipeline {
namespace {

template <class T>
using Named = std::initializer_list<std::pair<const char*, T>>;

void at_least(double least, const Named<double>& settings) {
  for (const auto& [name, value] : settings)
    if (!(value >= least))
      throw base::UsageError(name, " is ", value, ", expected at least ", least);
}

void above_zero(const Named<double>& settings) {
  for (const auto& [name, value] : settings)
    if (!(value > 0)) throw base::UsageError(name, " is ", value, ", expected more than 0");
}

// From 0 to 1, both allowed.
void shares(const Named<double>& settings) {
  for (const auto& [name, value] : settings)
    if (!(value >= 0 && value <= 1))
      throw base::UsageError(name, " is ", value, ", expected 0 to 1");
}

void dropouts(const Named<double>& settings) {
  for (const auto& [name, value] : settings)
    if (!(value >= 0 && value < 1))
      throw base::UsageError(name, " is ", value, ", expected 0 to below 1");
}

void one_of(const char* name, const std::string& value, std::initializer_list<const char*> words) {
  if (std::find(words.begin(), words.end(), value) != words.end()) return;
  std::string list;
  for (const char* word : words) {
    const bool last = word == *(words.end() - 1);
    list += (list.empty() ? "" : last ? " or " : ", ") + std::string(word);
  }
  throw base::UsageError(name, " is \"", value, "\", expected ", list);
}

void check_store(const DataSettings& data) {
  if (!data.at.empty() && !base::parse_rfc3339(data.at))
    throw base::UsageError("data.at is \"", data.at,
                           "\", expected a moment like 2026-11-25T09:30:00Z");
  if (data.as_of < 0) throw base::UsageError("data.as_of is below 0");
  const bool asked = data.as_of > 0 || !data.at.empty() || !data.catalogue.empty();
  if (asked && std::filesystem::exists(data.path) && !feedback::is_store(data.path))
    throw base::UsageError("data.as_of, data.at and data.catalogue are for a feedback store; ",
                           data.path, " is none");
}

void check_data(const Recipe& recipe) {
  at_least(1, {{"state.window", recipe.state.window}});
  check_store(recipe.data);
  if (recipe.tokenizer.folder.empty())
    at_least(256, {{"tokenizer.vocabulary", recipe.tokenizer.vocabulary}});
  if (!recipe.in_world() && recipe.data.lexicon.empty() && recipe.sentiment.model.empty())
    throw base::UsageError(
        "data.lexicon must name a VADER lexicon file, or sentiment.model a classifier: sentiment "
        "is read with it");
}

void check_model(const Recipe& recipe) {
  const ModelSettings& model = recipe.model;
  if (model.lora.rank < 0) throw base::UsageError("model.lora.rank is below 0");
  if (model.lora.rank > 0 && model.base.empty())
    throw base::UsageError("model.lora.rank needs a model.base to be trained beside");
  dropouts({{"model.lora.dropout", model.lora.dropout}});
  if (model.width < 1 || model.heads < 1 || model.width % model.heads != 0)
    throw base::UsageError("model.width is ", model.width,
                           ", which is no multiple of model.heads, ", model.heads);
  if (model.width / model.heads > 256)
    throw base::UsageError("attention heads of width ", model.width / model.heads,
                           "; at most 256 work");
  if (model.layers < 1 || model.positions < 16)
    throw base::UsageError("model.layers must be at least 1, model.positions at least 16");
  if (recipe.rl.max_tokens + 8 >= model.positions ||
      recipe.evaluation.max_tokens + 8 >= model.positions)
    throw base::UsageError(
        "rl.max_tokens and evaluation.max_tokens must leave room for a prompt in model.positions, ",
        model.positions);
}

void check_sft(const Recipe& recipe) {
  at_least(1, {{"sft.epochs", recipe.sft.epochs},
               {"sft.batch_tokens", recipe.sft.batch_tokens},
               {"sft.patience", recipe.sft.patience},
               {"sft.checkpoint_every", recipe.sft.checkpoint_every}});
  above_zero({{"sft.learning_rate", recipe.sft.learning_rate}});
  dropouts({{"sft.dropout", recipe.sft.dropout}});
}

void check_ranker(const Recipe& recipe) {
  const recommend::RankerSettings& ranker = recipe.ranker;
  recommend::check_terms(ranker.terms);
  at_least(1, {{"ranker.members", ranker.members},
               {"ranker.epochs", ranker.epochs},
               {"ranker.batch", ranker.batch},
               {"ranker.bag.width", ranker.bag.width}});
  at_least(0, {{"ranker.weight_decay", ranker.weight_decay},
               {"ranker.seeker_weight", ranker.seeker_weight},
               {"ranker.min_word_dialogues", ranker.min_word_dialogues}});
  above_zero({{"ranker.learning_rate", ranker.learning_rate},
              {"ranker.language_learning_rate", ranker.language_learning_rate},
              {"ranker.count_learning_rate", ranker.count_learning_rate}});
  shares({{"ranker.max_word_share", ranker.max_word_share}});
  dropouts({{"ranker.bag.dropout", ranker.bag.dropout}});
}

void check_reward(const Recipe& recipe) {
  const auto& reward = recipe.reward;
  at_least(1, {{"signals.resamples", recipe.signals.resamples},
               {"reward.predictor.members", reward.predictor.members},
               {"reward.predictor.width", reward.predictor.width},
               {"reward.predictor.epochs", reward.predictor.epochs},
               {"reward.language.epochs", reward.language.epochs},
               {"reward.language.batch_tokens", reward.language.batch_tokens},
               {"reward.language.replies", reward.language.replies}});
  dropouts({{"reward.predictor.dropout", reward.predictor.dropout}});
  one_of("reward.blend", reward.blend.blend, {"valid", "paper", "fitted"});
  one_of("reward.target", reward.target, {"liked", "useful", "blend"});
  one_of("reward.probabilities", reward.probabilities, {"logit", "log"});
  one_of("reward.ensemble", reward.ensemble, {"deviation", "variance", "mean", "worst"});
  at_least(0, {{"reward.dialogues", reward.dialogues}});
  shares({{"reward.label_noise", reward.label_noise}});
  one_of("reward.words", reward.words, {"ngrams", "language_model"});
}

// Clicks are judgements, not scores: what learns from scores cannot learn from them.
void check_clicks(const rl::RlSettings& rl) {
  one_of("rl.items", rl.items, {"reward", "clicks"});
  at_least(0, {{"rl.click_position_bias", rl.click_position_bias}});
  if (rl.items == "reward") {
    if (rl.click_position_bias > 0)
      throw base::UsageError("rl.click_position_bias is ", rl.click_position_bias,
                             ", but weighs clicks, which nothing learns from with rl.items=reward");
    return;
  }
  const std::string& algorithm = rl.algorithm;
  if (algorithm != "dpo" && algorithm != "kto" && algorithm != "sft" &&
      algorithm != "reward_weighted")
    throw base::UsageError(
        "rl.items=clicks with rl.algorithm=", algorithm,
        ": what was shown is judged, and nothing else has a score; use kto, dpo, "
        "sft or reward_weighted, or rl.items=reward");
  if (rl.reward != "learned")
    throw base::UsageError("rl.items=clicks with rl.reward=", rl.reward,
                           ": no reward is asked there, so it is no control; use rl.items=reward");
}

void check_rl(const Recipe& recipe) {
  const rl::RlSettings& rl = recipe.rl;
  try {
    rl::check_algorithm(rl);
    rl::refuse_unread(rl);
  } catch (const base::UsageError& error) {
    throw base::UsageError("in [rl], ", error.what());
  }
  at_least(1, {{"rl.iterations", rl.iterations},
               {"rl.epochs", rl.epochs},
               {"rl.minibatch", rl.minibatch},
               {"rl.max_tokens", rl.max_tokens},
               {"rl.item_states", rl.item_states},
               {"rl.checkpoint_every", rl.checkpoint_every},
               {"rl.gold_every", rl.gold_every},
               {"rl.gold_episodes", rl.gold_episodes}});
  at_least(2, {{"rl.batch", rl.batch}});
  if (rl.critic_warmup >= rl.iterations)
    throw base::UsageError("rl.critic_warmup is ", rl.critic_warmup, ", but there are only ",
                           rl.iterations,
                           " rl.iterations: the policy's words would never learn anything");
  at_least(0, {{"rl.item_steps", rl.item_steps},
               {"rl.learning_rate", rl.learning_rate},
               {"rl.item_learning_rate", rl.item_learning_rate},
               {"rl.value_clip", rl.value_clip},
               {"rl.value_weight", rl.value_weight},
               {"rl.entropy_weight", rl.entropy_weight},
               {"rl.missing_end_penalty", rl.missing_end_penalty},
               {"rl.max_approx_kl", rl.max_approx_kl},
               {"rl.beta", rl.beta},
               {"rl.kl_target", rl.kl_target},
               {"rl.item_beta", rl.item_beta},
               {"rl.item_kl_target", rl.item_kl_target},
               {"rl.item_cross_entropy", rl.item_cross_entropy}});
  above_zero({{"rl.temperature", rl.temperature},
              {"rl.clip_gradient", rl.clip_gradient},
              {"rl.score_clip", rl.score_clip},
              {"rl.kl_horizon", rl.kl_horizon},
              {"rl.item_kl_horizon", rl.item_kl_horizon},
              {"rl.item_reward_clip", rl.item_reward_clip}});
  shares({{"rl.discount", rl.discount}, {"rl.lambda", rl.lambda}});
  if (!rl.preferences.empty() && rl.algorithm != "dpo" && rl.algorithm != "kto")
    throw base::UsageError("rl.preferences with rl.algorithm=", rl.algorithm,
                           ": pairs are for dpo, judgements for kto; the others need scores");
  if (rl.length_cache > rl.max_tokens)
    throw base::UsageError("rl.length_cache is ", rl.length_cache, ", more than rl.max_tokens, ",
                           rl.max_tokens);
  const rl::AlgorithmSettings method = rl::resolved(rl);
  if (rl::compares_replies(method) && rl.batch % rl.group_size != 0)
    throw base::UsageError("rl.batch is ", rl.batch, ", no multiple of rl.group_size, ",
                           rl.group_size);
  if (rl.algorithm == "kto" && rl.minibatch < 2)
    throw base::UsageError(
        "rl.minibatch is 1: kto compares a reply with the minibatch's replies to ",
        "other states, and there is none; use 2 or more");
  if (rl.beta == 0 && rl.kl_target > 0 && method.kl_place != "none")
    throw base::UsageError(
        "rl.beta is 0: nothing times 0 is a price, so rl.kl_target=", rl.kl_target,
        " could not be kept. Start from a small beta, or set rl.kl_target=0");
  one_of("rl.score_scaling", rl.score_scaling, {"running", "standard", "none"});
  one_of("rl.missing_end", rl.missing_end, {"subtract", "fixed"});
  one_of("rl.adam", rl.adam, {"pytorch", "tensorflow"});
  above_zero({{"rl.adam_epsilon", rl.adam_epsilon}});
  one_of("rl.reward", rl.reward, {"learned", "shuffled", "length", "unpopular", "gold"});
  if (rl.reward == "gold" && !recipe.in_world())
    throw base::UsageError(
        "rl.reward is \"gold\": what items are truly worth is known in a simulated world only");
  if (rl.rollout_weights == "int8" && rl::items_have_worth(rl))
    throw base::UsageError("rl.rollout_weights is \"int8\", but rl.reward=", rl.reward,
                           " gives words nothing to learn from, so there are no rollouts");
  one_of("rl.gate", rl.gate, {"warn", "refuse"});
  check_clicks(rl);
}

void check_evaluation(const Recipe& recipe) {
  const EvaluationSettings& evaluation = recipe.evaluation;
  at_least(1, {{"evaluation.resamples", evaluation.resamples},
               {"evaluation.world_episodes", evaluation.world_episodes},
               {"evaluation.max_tokens", evaluation.max_tokens}});
  for (const int n : evaluation.best_of)
    if (n < 1) throw base::UsageError("evaluation.best_of names ", n, ", expected 1 or more");
  at_least(0, {{"evaluation.responses", evaluation.responses},
               {"evaluation.form_turns", evaluation.form_turns},
               {"evaluation.temperature", evaluation.temperature}});
}

}  // namespace

void check_recipe(const Recipe& recipe) {
  one_of("run.kernels", recipe.run.kernels, {"native", "reference"});
  check_data(recipe);
  check_model(recipe);
  check_sft(recipe);
  check_ranker(recipe);
  check_reward(recipe);
  check_rl(recipe);
  check_evaluation(recipe);
}

void check_device(const Recipe& recipe, torch::Device device) {
  if (device.is_cuda() && recipe.rl.rollout_weights == "int8")
    throw base::UsageError(
        "rl.rollout_weights is \"int8\", which is for the processor, but run.device=",
        recipe.run.device, " is a GPU; use \"computed\"");
}

}  // namespace pipeline
