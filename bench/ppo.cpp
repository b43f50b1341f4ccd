#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "harness.h"
#include "kernels/log_prob_head.h"
#include "plain_ppo.h"
#include "recommend/trained_recommender.h"
#include "rl/words_trainer.h"
#include "text/tokenizer_trainer.h"

namespace bench {
namespace {

constexpr int kVocabulary = 50257, kItems = 16, kBatch = 32, kPrompt = 64, kReply = 64;
constexpr double kLearningRate = 1e-5;

std::string random_word(base::Random& random) {
  std::string word;
  for (int i = 0; i < 7; ++i) word += static_cast<char>('a' + random.below(26));
  return word;
}

dialogue::Catalogue catalogue() {
  std::vector<dialogue::Item> items;
  for (int i = 0; i < kItems; ++i)
    items.push_back({std::to_string(i), "Item " + std::to_string(i), "item", {}, {}});
  return dialogue::Catalogue(std::move(items));
}

// A tokenizer of made-up words that leaves just the room for special and item tokens.
train::DialogueTokens tokens() {
  base::Random random({.seed = 1, .stage = "bench/ppo/words"});
  std::vector<std::string> texts;
  for (int i = 0; i < 60000; ++i) {
    const std::string word = random_word(random);
    texts.push_back(word + " " + word + " " + word);
  }
  const text::Tokenizer text = text::train_tokenizer(
      texts, {.vocabulary_size = kVocabulary - kItems - dialogue::kSpecialCount});
  return {text, catalogue()};
}

// A seeker who has talked for longer than the prompt has room.
std::vector<dialogue::Dialogue> dialogues() {
  base::Random random({.seed = 2, .stage = "bench/ppo/dialogues"});
  std::vector<dialogue::Dialogue> all(kBatch);
  for (dialogue::Dialogue& dialogue : all) {
    dialogue::Turn seeker, recommender;
    for (int i = 0; i < 2 * kPrompt; ++i) seeker.text += random_word(random) + " ";
    recommender.role = dialogue::Role::recommender;
    recommender.text = "x";
    dialogue.turns = {seeker, recommender};
  }
  return all;
}

// One of ours: rollout, log-probabilities of policy and reference, advantages, epochs. Each reply
// has its mode and, where it recommends, its item in front of the words.
class Ours {
 public:
  Ours(const model::LanguageModel& initial, const train::DialogueTokens& tokens,
       const std::vector<dialogue::Dialogue>& dialogues, const rl::RlSettings& settings)
      : settings_(settings),
        policy_{catalogue(), {}, tokens, initial.copy(), ranker(dialogues, initial.config.width)},
        reference_(frozen(initial)),
        words_(policy_.language, reference_, rl::dialogue_scorer(policy_.tokens), settings_,
               torch::kBFloat16) {
    for (const dialogue::Dialogue& dialogue : dialogues)
      states_.push_back(dialogue::state_before(dialogue, 1));
  }

  void iterate() {
    iteration_ += 1;
    const base::RandomPlace place{1, "bench/ppo", iteration_, 0};
    dialogue::Sampling sampling;
    sampling.temperature = 1;
    sampling.max_tokens = kReply;
    sampling.seed = iteration_;
    recommend::TrainedRecommender recommender("policy", policy_,
                                              {kBatch, torch::kBFloat16, "bench"});
    std::vector<rl::Episode> episodes =
        rl::roll_out(recommender, policy_.tokens, states_, sampling, kPrompt + kReply + 2);
    std::vector<double> scores;
    for (const rl::Episode& episode : episodes) {
      base::check(episode.prompt.size() == kPrompt, "bench ppo: a prompt of ",
                  episode.prompt.size(), " tokens");
      scores.push_back(static_cast<double>(scores.size() % 2));
      tokens_ += static_cast<std::int64_t>(episode.tokens.size());
    }
    words_.update(words_.prepare(std::move(episodes), std::move(scores), place), kLearningRate,
                  place);
  }

  double mean_reply() const { return 1. * tokens_ / (static_cast<double>(iteration_) * kBatch); }

 private:
  static recommend::Ranker ranker(const std::vector<dialogue::Dialogue>& dialogues,
                                  std::int64_t width) {
    std::vector<const dialogue::Dialogue*> all;
    for (const dialogue::Dialogue& dialogue : dialogues) all.push_back(&dialogue);
    recommend::RankerSettings settings;
    settings.terms = {"popularity"};
    const recommend::WordTable words = recommend::WordTable::from(all, 1, 1);
    std::vector<dialogue::Item> items(kItems);
    for (std::size_t i = 0; i < items.size(); ++i) items[i].id = std::to_string(i);
    const dialogue::Catalogue catalogue(items);
    return {settings,
            recommend::make_tables(words, recommend::Entities(catalogue),
                                   recommend::Counts(all, words, kItems), {}, catalogue),
            width, 1};
  }
  static model::Weights frozen(const model::LanguageModel& model) {
    torch::NoGradGuard no_grad;
    return model::cast(model, torch::kBFloat16);
  }

  rl::RlSettings settings_;
  recommend::TrainedModel policy_;
  model::Weights reference_;
  rl::WordsTrainer words_;
  std::vector<dialogue::State> states_;
  std::uint64_t iteration_ = 0;
  std::int64_t tokens_ = 0;
};

// Both must give a sequence's tokens the same probabilities. bf16 keeps 8 bits.
void check_same(const model::LanguageModel& initial, PlainPpo& plain,
                const torch::Tensor& prompts) {
  torch::NoGradGuard no_grad;
  const torch::Tensor ids = at::cat({prompts, prompts.flip(1)}, 1);
  const model::Weights weights = model::cast(initial, torch::kBFloat16);
  std::vector<std::vector<int>> rows;
  for (std::int64_t b = 0; b < ids.size(0); ++b) {
    const std::int64_t* row = ids.data_ptr<std::int64_t>() + b * ids.size(1);
    rows.emplace_back(row, row + ids.size(1));
  }
  const torch::Tensor hidden = model::hidden_states(weights, model::pack(rows))
                                   .view({ids.size(0), kPrompt + kReply, -1})
                                   .narrow(1, kPrompt - 1, kReply)
                                   .reshape({-1, initial.config.width});
  const torch::Tensor ours =
      kernels::log_prob_head(hidden, weights.head,
                             ids.narrow(1, kPrompt, kReply).reshape({-1}).contiguous())
          .log_probs;
  const double difference = (ours - plain.log_probs(ids).reshape({-1})).abs().max().item<double>();
  base::check(difference < .05, "bench ppo: log-probabilities differ by ", difference);
}

base::Json run(const Options& options) {
  const train::DialogueTokens vocabulary = tokens();
  base::check(vocabulary.size() == kVocabulary, "bench ppo: ", vocabulary.size(), " tokens");
  const model::LanguageModel initial =
      model::random_model(model::gpt2_config(6, 6, 384, kPrompt + kReply + 2, kVocabulary), 1);
  rl::RlSettings settings;
  settings.batch = kBatch;
  settings.minibatch = 8;
  settings.epochs = 4;
  settings.max_tokens = kReply;
  settings.max_approx_kl = 0;  // every epoch is run
  Ours ours(initial, vocabulary, dialogues(), settings);

  const torch::Tensor prompts = at::randint(kVocabulary, {kBatch, kPrompt}, torch::kInt64),
                      scores = at::arange(kBatch, torch::kInt64).remainder(2).to(torch::kFloat32);
  const PlainPpoShape shape{kPrompt, kReply, settings.minibatch, settings.epochs};
  const PlainModel::Attention attention = faster_attention([&](PlainModel::Attention candidate) {
    PlainPpo one(initial, candidate, shape);
    one.iterate(prompts, scores, kLearningRate);
    return seconds([&] { one.iterate(prompts, scores, kLearningRate); });
  });
  PlainPpo plain(initial, attention, shape);
  check_same(initial, plain, prompts);

  const Comparison result = compare(
      options.rounds, [&] { ours.iterate(); },
      [&] { plain.iterate(prompts, scores, kLearningRate); });
  base::Json json = {{"plain_attention", name_of(attention)},
                     {"plain_tokens_a_reply", kReply},
                     {"ours_tokens_a_reply", ours.mean_reply()}};
  json.update(to_json(result));
  return json;
}

}  // namespace

Benchmark ppo_benchmark() {
  return {"ppo",
          "a PPO iteration of 6 layers x 384, vocabulary 50,257, 32 x (64 + 64), 4 epochs of "
          "minibatches of 8, bf16",
          run};
}

}  // namespace bench
