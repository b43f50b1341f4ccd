#include "rl/ppo.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/error.h"
#include "base/format.h"
#include "base/run_log.h"
#include "recommend/trained_recommender.h"
#include "rl/item_trainer.h"
#include "rl/words_trainer.h"

namespace rl {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double mean(const std::vector<double>& values) {
  return values.empty() ? 0
                        : std::accumulate(values.begin(), values.end(), 0.) /
                              static_cast<double>(values.size());
}

double deviation(const std::vector<double>& values) {
  RunningMoments moments;
  moments.add(values);
  return moments.deviation();
}

double tokens_of(const Rollout& rollout) {
  double tokens = 0;
  for (const Episode& episode : rollout.episodes)
    tokens += static_cast<double>(episode.tokens.size());
  return tokens;
}

recommend::TrainedModel copy_of(const recommend::TrainedModel& model) {
  return {model.catalogue, model.state, model.tokens, model.language.copy(), model.ranker.clone()};
}

model::Weights cast_without_gradient(const model::LanguageModel& model, torch::Dtype type) {
  torch::NoGradGuard no_grad;
  return model::cast(model, type);
}

class Trainer {
 public:
  Trainer(const PpoInput& input, const PpoSettings& settings, const train::Stage& stage)
      : input_(input),
        settings_(settings),
        stage_(stage),
        policy_(copy_of(input.start)),
        places_(find_places(input.dialogues)),
        reference_(cast_without_gradient(input.start.language, input.type)),
        words_(policy_.language, reference_, policy_.tokens, settings, input.type),
        items_(policy_.ranker, input.start, reference_, input.reward, settings) {
    if (places_.recommending.empty())
      throw base::Error(base::ErrorKind::data,
                        "rl: no training dialogue has a recommender's turn that names a new item");
  }

  PpoResult run() {
    if (const auto checkpoint = train::resume(stage_)) load(*checkpoint);
    base::RunLog log(stage_.folder, iteration_);
    base::Progress progress(stage_.console, "rl", settings_.iterations, iteration_);
    while (iteration_ < settings_.iterations) {
      iteration_ += 1;
      log.write(iteration_, iterate());
      progress.advance(1, base::concatenate("score ", base::fixed(last_score_, 3), "  KL ",
                                            base::fixed(last_words_kl_, 2), "  item KL ",
                                            base::fixed(items_.kl(), 2)));
      train::save_when_due(stage_, iteration_, [&] { return make_checkpoint(); });
    }
    progress.finish();
    return {std::move(policy_), static_cast<int>(iteration_), last_words_kl_, items_.kl()};
  }

 private:
  base::RandomPlace place(std::string_view what) const {
    return {stage_.seed, what, static_cast<std::uint64_t>(iteration_), 0};
  }

  double learning_rate(double peak) const {  // linear to 0
    return peak * (1 - static_cast<double>(iteration_ - 1) / settings_.iterations);
  }

  base::Metrics iterate() {
    const auto start = Clock::now();
    const Rollout rollout = sample();
    const double rollout_seconds = seconds_since(start);
    // The item slot first: at the first iteration the language model is still the reference's.
    base::Metrics metrics =
        items_.update(cast_without_gradient(policy_.language, input_.type), places_.recommending,
                      learning_rate(settings_.item_learning_rate), place("rl/items"));
    const auto add = [&](const base::Metrics& more) {
      metrics.insert(metrics.end(), more.begin(), more.end());
    };
    const auto update_start = Clock::now();
    add(words_.update(rollout, learning_rate(settings_.learning_rate), place("rl/minibatches")));
    const double update_seconds = seconds_since(update_start);
    add(rollout_metrics(rollout));
    add({{"seconds/rollout", rollout_seconds},
         {"seconds/update", update_seconds},
         {"seconds/all", seconds_since(start)},
         {"tokens_per_second/rollout", tokens_of(rollout) / rollout_seconds},
         {"tokens_per_second/update", tokens_of(rollout) / update_seconds}});
    if (iteration_ == 1 || iteration_ % settings_.gold_every == 0 ||
        iteration_ == settings_.iterations)
      if (input_.gold)
        if (const std::optional<double> gold = input_.gold(policy_)) add({{"gold", *gold}});
    last_words_kl_ = rollout.kl;
    last_score_ = mean(rollout.raw_scores);
    return metrics;
  }

  Rollout sample() {
    dialogue::Sampling sampling;
    sampling.temperature = settings_.temperature;
    sampling.max_tokens = settings_.max_tokens;
    sampling.seed = base::random_key(place("rl/sampling"));
    recommend::TrainedRecommender recommender("policy", policy_,
                                              {settings_.batch, input_.type, "in-training"});
    std::vector<Episode> episodes = roll_out(
        recommender, policy_.tokens,
        states_before(draw_places(places_.all, settings_.batch, place("rl/states")), policy_.state),
        sampling, static_cast<int>(policy_.language.config.context));
    std::vector<reward::ScoredReply> replies;
    for (const Episode& episode : episodes) {
      std::vector<int> ids = episode.prompt;
      ids.insert(ids.end(), episode.tokens.begin(), episode.tokens.end());
      replies.push_back({episode.action, std::move(ids)});
    }
    std::vector<double> scores = input_.reward.response_scores(replies);
    return words_.prepare(std::move(episodes), std::move(scores), place("rl/minibatches"));
  }

  base::Metrics rollout_metrics(const Rollout& rollout) const {
    double ended = 0, recommending = 0;
    for (const Episode& episode : rollout.episodes) {
      ended += episode.action.ended;
      recommending += episode.has_item;
    }
    const auto n = static_cast<double>(rollout.episodes.size());
    return {{"objective/kl", rollout.kl},
            {"objective/kl_k3", rollout.kl_k3},
            {"objective/entropy", rollout.entropy},
            {"objective/non_score_reward", rollout.non_score},
            {"objective/scores", mean(rollout.raw_scores)},
            {"objective/scores_std", deviation(rollout.raw_scores)},
            {"objective/scaled_scores", mean(rollout.scaled_scores)},
            {"objective/scaled_scores_std", deviation(rollout.scaled_scores)},
            {"objective/rlhf_reward", mean(rollout.scaled_scores) -
                                          settings_.missing_end_penalty * (1 - ended / n) +
                                          rollout.non_score},
            {"policy/entropy_avg", rollout.entropy},
            {"beta", words_.beta()},
            {"val/num_eos_tokens", ended},
            {"rate/ended", ended / n},
            {"rate/truncated", 1 - ended / n},
            {"rate/recommends", recommending / n},
            {"length/mean", tokens_of(rollout) / n},
            {"mismatch/log_prob", rollout.mismatch},
            {"lr", learning_rate(settings_.learning_rate)},
            {"eps", settings_.clip},
            {"episode", 1. * iteration_ * settings_.batch}};
  }

  model::Checkpoint make_checkpoint() const {
    model::Checkpoint checkpoint{iteration_, {}, {{"words_kl", last_words_kl_}}};
    model::add_prefixed(checkpoint.tensors, policy_.language.trained().values(), "model.");
    model::add_prefixed(checkpoint.tensors, policy_.ranker.parameters().values(), "ranker.");
    words_.save(checkpoint);
    items_.save(checkpoint);
    return checkpoint;
  }

  void load(const model::Checkpoint& checkpoint) {
    policy_.language.trained().assign(model::with_prefix(checkpoint.tensors, "model."),
                                      "checkpoint");
    policy_.ranker.parameters().assign(model::with_prefix(checkpoint.tensors, "ranker."),
                                       "checkpoint");
    words_.load(checkpoint);
    items_.load(checkpoint);
    last_words_kl_ = checkpoint.state.at("words_kl");
    iteration_ = checkpoint.step;
  }

  const PpoInput& input_;
  const PpoSettings& settings_;
  const train::Stage& stage_;
  recommend::TrainedModel policy_;
  Places places_;
  model::Weights reference_;
  WordsTrainer words_;
  ItemTrainer items_;
  std::int64_t iteration_ = 0;
  double last_words_kl_ = 0, last_score_ = 0;
};

}  // namespace

PpoResult train_ppo(const PpoInput& input, const PpoSettings& settings, const train::Stage& stage) {
  if (settings.iterations < 1 || settings.batch < 2 || settings.minibatch < 1)
    throw base::UsageError(
        "rl.iterations and rl.minibatch must be at least 1, rl.batch at least 2");
  return Trainer(input, settings, stage).run();
}

}  // namespace rl
