#pragma once

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "recommend/test_model.h"
#include "recommend/trained_recommender.h"
#include "rl/words_trainer.h"

// A small policy whose words are trained on scores of the test's own.
namespace rl::testing {

using Score = std::function<double(const Episode&)>;

// Small batches and large steps, and nothing but the score and the KL that moves the policy.
inline RlSettings small() {
  RlSettings settings;
  settings.batch = 64;
  settings.epochs = 2;
  settings.minibatch = 32;
  settings.learning_rate = 5e-3;
  settings.max_tokens = 6;
  settings.missing_end_penalty = 0;
  settings.max_approx_kl = 0;
  settings.kl_target = 0;
  return settings;
}

inline model::Weights frozen(const model::LanguageModel& model) {
  torch::NoGradGuard no_grad;
  return model::cast(model, torch::kFloat32);
}

// A policy and its reference, alike at the start, and the trainer of its words.
struct Training {
  explicit Training(const RlSettings& s, Prompts prompts = Prompts::shared,
                    torch::Device where = torch::kCPU)
      : settings(s),
        device(where),
        reference(frozen(start.language)),
        trainer(policy.language, reference, scorer(policy.tokens, prompts), settings,
                torch::kFloat32) {
    for (const dialogue::Dialogue& dialogue : dialogues)
      states.push_back(dialogue::state_before(dialogue, 1));
  }
  Training(const Training&) = delete;

  static TokenScorer scorer(const train::DialogueTokens& tokens, Prompts prompts) {
    return [&tokens, prompts](const model::Weights& weights,
                              const std::vector<const Episode*>& episodes, ScoreOptions options) {
      options.prompts = prompts;
      return score_tokens(weights, tokens, episodes, options);
    };
  }

  base::RandomPlace place() const { return {7, "rl/minibatches", iteration}; }

  std::vector<Episode> sample() {
    dialogue::Sampling sampling;
    sampling.temperature = settings.temperature;
    sampling.max_tokens = settings.max_tokens;
    sampling.seed = base::random_key({7, "rl/sampling", iteration});
    std::vector<dialogue::State> drawn;
    for (int i = 0; i < settings.batch; ++i) drawn.push_back(states[state_of(i)]);
    const bool own = learns_by_advantages(algorithm_named(settings.algorithm));
    recommend::TrainedRecommender recommender(
        "policy", own ? policy : start,
        {settings.batch, torch::kFloat32, "x", kernels::matrix_numbers(settings.rollout_weights)});
    return roll_out(recommender, policy.tokens, drawn, sampling, 96);
  }

  // Samples and scores the next iteration's replies.
  Rollout prepare(const Score& score) {
    iteration += 1;
    std::vector<Episode> episodes = sample();
    std::vector<double> scores;
    for (const Episode& episode : episodes) scores.push_back(score(episode));
    std::vector<int> numbers;
    for (int i = 0; i < settings.batch; ++i) numbers.push_back(static_cast<int>(state_of(i)));
    return trainer.prepare(std::move(episodes), std::move(scores), place(), numbers);
  }
  std::size_t state_of(int reply) const { return static_cast<std::size_t>(reply) % states.size(); }

  // A number of whole iterations; returns the KL of the last rollout.
  double train(int iterations, const Score& score) {
    double kl = 0;
    for (int i = 0; i < iterations; ++i) {
      const Rollout rollout = prepare(score);
      kl = rollout.kl;
      trainer.update(rollout, settings.learning_rate * (1 - 1. * i / iterations), place());
    }
    return kl;
  }

  // Log-probabilities of the first word after prompt and <|chat|>, [states, words].
  static torch::Tensor first_words(const model::Weights& weights, const Training& of) {
    return of.last_log_probs(weights, {of.policy.tokens.special(dialogue::Special::chat)},
                             at::arange(of.policy.tokens.word_rows(), torch::kInt64));
  }
  // Of the mode `recommend` in each state, averaged.
  double recommends() const {
    const torch::Tensor modes =
        torch::tensor({std::int64_t{policy.tokens.special(dialogue::Special::recommend)},
                       std::int64_t{policy.tokens.special(dialogue::Special::chat)}});
    return last_log_probs(frozen(policy.language), {}, modes)
        .exp()
        .select(1, 0)
        .mean()
        .item<double>();
  }
  // Of the first word of a chatting reply being one of the first `below` tokens, averaged.
  double first_word_below(int below) const {
    return first_words(frozen(policy.language), *this)
        .exp()
        .narrow(1, 0, below)
        .sum(1)
        .mean()
        .item<double>();
  }

  std::string hash() const { return model::hash_tensors(policy.language.parameters.values()); }

  recommend::TrainedModel new_model() const {
    recommend::TrainedModel model = recommend::testing::model(dialogues);
    model.language = model.language.on(device);
    return model;
  }

  RlSettings settings;
  torch::Device device;
  std::vector<dialogue::Dialogue> dialogues = recommend::testing::dialogues(6);
  recommend::TrainedModel start = new_model(), policy = new_model();
  model::Weights reference;
  std::vector<dialogue::State> states;
  WordsTrainer trainer;
  std::uint64_t iteration = 0;

 private:
  // Over the tokens `of` after each state's prompt and `after`, [states, of].
  torch::Tensor last_log_probs(const model::Weights& weights, const std::vector<int>& after,
                               const torch::Tensor& of) const {
    torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> rows;
    for (const dialogue::State& state : states) {
      std::vector<int> ids = policy.tokens.encode_prompt(state, 80);
      ids.insert(ids.end(), after.begin(), after.end());
      const torch::Tensor hidden = model::hidden_states(weights, model::pack({ids}));
      rows.push_back(
          at::log_softmax(at::mv(weights.head.index_select(0, of), hidden[hidden.size(0) - 1]), 0));
    }
    return at::stack(rows);
  }
};

// How many of a reply's words are among the first `below` tokens, as a share.
inline Score share_below(int below, double sign = 1) {
  return [=](const Episode& episode) {
    double count = 0, words = 0;
    for (std::size_t t = episode.has_item ? 2 : 1; t < episode.tokens.size(); ++t) {
      words += 1;
      count += episode.tokens[t] < below;
    }
    return words > 0 ? sign * count / words : 0;
  };
}

inline RlSettings small(const std::string& method) {
  RlSettings settings = small();
  static_cast<AlgorithmSettings&>(settings) = published(method);
  settings.beta = .05;
  return settings;
}

inline double metric(const base::Metrics& metrics, const std::string& wanted) {
  for (const auto& [name, value] : metrics)
    if (name == wanted) return value;
  ADD_FAILURE() << "no " << wanted;
  return 0;
}

}  // namespace rl::testing
