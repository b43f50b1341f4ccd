#pragma once

#include <vector>

#include "recommend/model_folder.h"
#include "rl/words_trainer.h"

namespace bench {

// What an iteration of the benchmarks is of: `prompts` random prompts of so many tokens, `samples`
// replies of at most `reply` words to each.
struct PpoWork {
  int prompts = 32;
  int samples = 1;
  int prompt = 64;
  int reply = 64;
  int minibatch = 8;
  int layers = 6, width = 384;  // of the model; heads are 64 wide
  rl::Prompts packed = rl::Prompts::shared;

  int batch() const { return prompts * samples; }
  int positions() const { return prompt + reply + 2; }  // mode and item stand before the words
};

constexpr int kPpoVocabulary = 50257;
constexpr double kPpoLearningRate = 1e-5;

// A tokenizer of made-up words that leaves just the room for special and item tokens.
train::DialogueTokens ppo_tokens();
model::LanguageModel ppo_model(const PpoWork& work);
rl::RlSettings ppo_settings(const PpoWork& work);

// A PPO iteration of ours on the model's device: rollout, log-probabilities of policy and
// reference, advantages, epochs. Each reply has its mode and, where it recommends, its item in
// front of the words.
class PpoIteration {
 public:
  PpoIteration(const model::LanguageModel& initial, const train::DialogueTokens& tokens,
               const PpoWork& work);

  void iterate();

  double mean_reply() const;  // tokens
  // Of all seconds but the first iteration's, which warms up: sampling, log-probabilities before
  // the update; the rest is the update.
  double rollout_share() const;
  double score_share() const;

 private:
  const PpoWork work_;
  const rl::RlSettings settings_;
  recommend::TrainedModel policy_;
  model::Weights reference_;
  rl::WordsTrainer words_;
  std::vector<dialogue::State> states_;  // one a reply
  std::uint64_t iteration_ = 0;
  double tokens_ = 0, sampling_ = 0, scoring_ = 0, seconds_ = 0;
};

}  // namespace bench
