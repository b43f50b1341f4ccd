#pragma once

#include <string>

#include "rl/algorithm.h"
#include "train/adamw.h"

namespace rl {

// Everything that a recipe says of reinforcement learning: the algorithm's own settings, and those
// of the loop around it.
struct RlSettings : AlgorithmSettings {
  int iterations = 60;
  int batch = 64;                    // replies an iteration
  int epochs = 4;                    // passes over each batch
  int minibatch = 32;                // replies
  double learning_rate = 1e-4;       // of the language model, linear to 0
  double item_learning_rate = 1e-3;  // of the ranker
  double discount = 1;
  double lambda = .95;
  double value_clip = .2;
  double value_weight = .1;
  double entropy_weight = 0;
  double clip_gradient = 1;
  std::string adam = "pytorch";
  double adam_epsilon = 1e-5;
  std::string score_scaling = "running";
  double score_clip = 5;           // of the scaled score
  double missing_end_penalty = 1;  // for a reply without <|end|>
  std::string missing_end = "subtract";
  bool whiten_rewards = false;
  bool learn_mode = false;     // whether the words' score may change how often to recommend
  double max_approx_kl = .03;  // an iteration's epochs stop above 1.5 times this; 0: never
  double temperature = 1;
  int max_tokens = 32;
  double beta = .1;              // price of KL of the words, at the start and at least
  double kl_target = 4;          // nats a reply; 0: beta stays
  double kl_horizon = 150;       // replies
  double item_beta = .5;         // price of KL of the item slot, at the start
  double item_kl_target = .6;    // nats; 0: item_beta stays
  double item_kl_horizon = 500;  // contexts
  double item_cross_entropy = .3;
  double item_reward_clip = 4;
  int item_states = 128;           // contexts of one item-slot step
  int item_steps = 4;              // item-slot steps an iteration
  int checkpoint_every = 20;       // iterations
  int gold_every = 10;             // iterations between measurements of the gold judge
  int gold_episodes = 150;         // dialogues of each, in a simulated world
  std::string preferences;         // a file that dpo or kto learns from; empty: the reward model
  std::string items = "reward";    // what the item slot learns from: reward or clicks
  double click_position_bias = 0;  // people look at place j with probability j^-this; 0: at all
  std::string reward = "learned";  // learned, or a control: shuffled, length, unpopular or gold
  std::string gate = "warn";       // refuse or warn where the reward model did not prove itself

  template <class F>
  void fields(F&& field) {
    AlgorithmSettings::fields(field);
    field("iterations", iterations, "rollouts, each followed by an update");
    field("batch", batch, "replies of one rollout");
    field("epochs", epochs, "passes over each rollout");
    field("minibatch", minibatch,
          "replies of one step, at most; those to one state stay together, however many they are");
    field("learning_rate", learning_rate, "Adam's step size for the language model, falling to 0");
    field("item_learning_rate", item_learning_rate,
          "Adam's step size for the ranker, falling to 0");
    field("discount", discount, "gamma, per token");
    field("lambda", lambda, "of generalised advantage estimation");
    field("value_clip", value_clip, "how far a value may move in one iteration and still count");
    field("value_weight", value_weight, "of the value loss");
    field("entropy_weight", entropy_weight, "of the entropy bonus");
    field("clip_gradient", clip_gradient, "largest norm of the gradient");
    field("adam", adam,
          "where epsilon stands in Adam's step: pytorch, or tensorflow, where early steps on small "
          "gradients are smaller");
    field("adam_epsilon", adam_epsilon, "of the words' Adam");
    field("score_scaling", score_scaling,
          "running: scores are divided by their running deviation, then clipped; standard: their "
          "running mean is taken off first; none: as they are");
    field("score_clip", score_clip, "largest score, in running deviations");
    field("missing_end_penalty", missing_end_penalty, "for a reply without its end");
    field(
        "missing_end", missing_end,
        "subtract: the penalty is taken off such a reply's score; fixed: minus the penalty is its "
        "score");
    field("whiten_rewards", whiten_rewards,
          "divide the tokens' rewards, price of KL included, by their deviation over the rollout, "
          "their mean kept; beta then counts in deviations");
    field("learn_mode", learn_mode,
          "learn from the score of the words how often to recommend, too; else only how to say it");
    field("max_approx_kl", max_approx_kl,
          "an iteration's epochs stop above 1.5 times this; 0: never");
    field("temperature", temperature, "of rollouts");
    field("max_tokens", max_tokens, "tokens of a reply's words, its end included");
    field("beta", beta, "price of the words' KL: at the start, and at least");
    field("kl_target", kl_target, "budget of the words' KL, nats a reply; 0: beta stays as it is");
    field("kl_horizon", kl_horizon, "replies over which beta adapts: smaller is faster");
    field("item_beta", item_beta, "price of the item slot's KL at the start");
    field("item_kl_target", item_kl_target,
          "budget of the item slot's KL, nats; 0: item_beta stays as it is");
    field("item_kl_horizon", item_kl_horizon, "contexts over which item_beta adapts");
    field("item_cross_entropy", item_cross_entropy,
          "weight of the items that people did recommend; 1 with sft, which has nothing else");
    field("item_reward_clip", item_reward_clip, "largest item reward");
    field("item_states", item_states, "contexts of one item-slot step");
    field("item_steps", item_steps, "item-slot steps an iteration");
    field("checkpoint_every", checkpoint_every, "iterations between checkpoints");
    field("gold_every", gold_every, "iterations between measurements of the gold judge");
    field("gold_episodes", gold_episodes, "dialogues of each, in a simulated world");
    field("preferences", preferences,
          "a file of pairs (dpo) or judgements (kto) to learn the words from, in TRL's formats; "
          "empty: the start model's replies, judged by the reward model");
    field("items", items,
          "what the item slot learns from: reward (the expected reward over the catalogue), or "
          "clicks (dpo, kto, sft, reward_weighted): what people were shown in the logs and took up "
          "or not, without a reward model; the words then stand still, unless they have "
          "preferences");
    field("click_position_bias", click_position_bias,
          "clicks at place j of a turn count j^this, at most weight_cap, as people look there with "
          "probability j^-this only; 0: all alike");
    field("reward", reward,
          "what is optimised: learned (the reward model's), or as a control shuffled (the same "
          "scores, of other replies and other items), length (of the words; items: nothing), "
          "unpopular (how seldom the training dialogues name an item; words: nothing) or gold "
          "(in a simulated world, what an item is truly worth to the person; words: nothing)");
    field("gate", gate,
          "refuse or warn where the reward model did not prove itself on held-out dialogues");
  }
};

// With every "auto" of the algorithm's own settings filled in; the others stay.
inline RlSettings resolved(RlSettings settings) {
  static_cast<AlgorithmSettings&>(settings) =
      resolved(static_cast<const AlgorithmSettings&>(settings));
  return settings;
}

// Of the words' optimisers.
inline train::AdamWOptions adam_options(const RlSettings& settings) {
  return {.beta2 = .999,
          .epsilon = settings.adam_epsilon,
          .weight_decay = 0,
          .form = settings.adam == "tensorflow" ? train::AdamForm::tensorflow
                                                : train::AdamForm::pytorch};
}

// Whether rl.reward says what items are worth by themselves; words are worth nothing then.
inline bool items_have_worth(const RlSettings& settings) {
  return settings.reward == "gold" || settings.reward == "unpopular";
}

}  // namespace rl
