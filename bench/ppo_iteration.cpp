#include "ppo_iteration.h"

#include "base/error.h"
#include "base/random.h"
#include "harness.h"
#include "recommend/trained_recommender.h"
#include "text/tokenizer_trainer.h"

namespace bench {
namespace {

constexpr int kItems = 16;

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

// Seekers who have talked for longer than the prompt has room.
std::vector<dialogue::Dialogue> dialogues(const PpoWork& work) {
  base::Random random({.seed = 2, .stage = "bench/ppo/dialogues"});
  std::vector<dialogue::Dialogue> all(static_cast<std::size_t>(work.prompts));
  for (dialogue::Dialogue& dialogue : all) {
    dialogue::Turn seeker, recommender;
    for (int i = 0; i < 2 * work.prompt; ++i) seeker.text += random_word(random) + " ";
    recommender.role = dialogue::Role::recommender;
    recommender.text = "x";
    dialogue.turns = {seeker, recommender};
  }
  return all;
}

recommend::Ranker ranker(const std::vector<dialogue::Dialogue>& dialogues, std::int64_t width) {
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

model::Weights frozen(const model::LanguageModel& model) {
  torch::NoGradGuard no_grad;
  return model::cast(model, compute_type(model.device()));
}

rl::TokenScorer scorer(const train::DialogueTokens& tokens, rl::Prompts packed) {
  return
      [&tokens, packed](const model::Weights& weights,
                        const std::vector<const rl::Episode*>& episodes, rl::ScoreOptions options) {
        options.prompts = packed;
        return rl::score_tokens(weights, tokens, episodes, options);
      };
}

}  // namespace

train::DialogueTokens ppo_tokens() {
  base::Random random({.seed = 1, .stage = "bench/ppo/words"});
  std::vector<std::string> texts;
  for (int i = 0; i < 60000; ++i) {
    const std::string word = random_word(random);
    texts.push_back(word + " " + word + " " + word);
  }
  const text::Tokenizer text = text::train_tokenizer(
      texts, {.vocabulary_size = kPpoVocabulary - kItems - dialogue::kSpecialCount});
  train::DialogueTokens tokens(text, catalogue());
  base::check(tokens.size() == kPpoVocabulary, "bench ppo: ", tokens.size(), " tokens");
  return tokens;
}

model::LanguageModel ppo_model(const PpoWork& work) {
  return model::random_model(model::gpt2_config(work.layers, work.width / 64, work.width,
                                                work.positions(), kPpoVocabulary),
                             1);
}

rl::RlSettings ppo_settings(const PpoWork& work) {
  rl::RlSettings settings;
  settings.batch = work.batch();
  settings.minibatch = work.minibatch;
  settings.epochs = 4;
  settings.max_tokens = work.reply;
  settings.max_approx_kl = 0;  // every epoch is run
  return settings;
}

PpoIteration::PpoIteration(const model::LanguageModel& initial, const train::DialogueTokens& tokens,
                           const PpoWork& work)
    : work_(work),
      settings_(ppo_settings(work)),
      policy_{
          catalogue(), {}, tokens, initial.copy(), ranker(dialogues(work), initial.config.width)},
      reference_(frozen(initial)),
      words_(policy_.language, reference_, scorer(policy_.tokens, work.packed), settings_,
             compute_type(initial.device())) {
  for (const dialogue::Dialogue& dialogue : dialogues(work))
    states_.insert(states_.end(), static_cast<std::size_t>(work.samples),
                   dialogue::state_before(dialogue, 1));
}

void PpoIteration::iterate() {
  iteration_ += 1;
  if (iteration_ == 2) sampling_ = scoring_ = seconds_ = 0;
  const base::RandomPlace place{1, "bench/ppo", iteration_, 0};
  dialogue::Sampling sampling;
  sampling.temperature = 1;
  sampling.max_tokens = work_.reply;
  sampling.seed = iteration_;
  std::vector<rl::Episode> episodes;
  std::vector<double> scores;
  std::vector<int> states;
  const double sampled = seconds([&] {
    recommend::TrainedRecommender recommender(
        "policy", policy_, {work_.batch(), compute_type(policy_.language.device()), "bench"});
    episodes = rl::roll_out(recommender, policy_.tokens, states_, sampling, work_.positions());
    for (const rl::Episode& episode : episodes) {
      base::check(static_cast<int>(episode.prompt.size()) == work_.prompt,
                  "bench ppo: a prompt of ", episode.prompt.size(), " tokens");
      states.push_back(static_cast<int>(scores.size()) / work_.samples);
      scores.push_back(static_cast<double>(scores.size() % 2));
      tokens_ += static_cast<double>(episode.tokens.size());
    }
  });
  sampling_ += sampled;
  seconds_ += sampled;
  rl::Rollout rollout;
  const double scoring = seconds(
      [&] { rollout = words_.prepare(std::move(episodes), std::move(scores), place, states); });
  scoring_ += scoring;
  seconds_ += scoring + seconds([&] { words_.update(rollout, kPpoLearningRate, place); });
}

double PpoIteration::mean_reply() const {
  return tokens_ / (static_cast<double>(iteration_) * work_.batch());
}

double PpoIteration::rollout_share() const { return sampling_ / seconds_; }

double PpoIteration::score_share() const { return scoring_ / seconds_; }

}  // namespace bench
