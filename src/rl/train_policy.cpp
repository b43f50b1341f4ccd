#include "rl/train_policy.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/format.h"
#include "base/run_log.h"
#include "metrics/correlation.h"
#include "rl/item_trainer.h"
#include "rl/reply_source.h"
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

double tokens_of(const std::vector<Episode>& episodes) {
  double tokens = 0;
  for (const Episode& episode : episodes) tokens += static_cast<double>(episode.tokens.size());
  return tokens;
}

// 0 where it is not among them.
double value_of(const base::Metrics& metrics, const std::string& wanted) {
  for (const auto& [name, value] : metrics)
    if (name == wanted) return value;
  return 0;
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
  Trainer(const PolicyInput& input, const RlSettings& settings, const train::Stage& stage)
      : input_(input),
        settings_(settings),
        algorithm_(algorithm_named(settings.algorithm)),
        stage_(stage),
        policy_(copy_of(input.start)),
        places_(find_places(input.dialogues)),
        reference_(cast_without_gradient(input.start.language, input.type)),
        words_(policy_.language, reference_, dialogue_scorer(policy_.tokens), settings, input.type),
        items_(policy_.ranker, input.start, reference_, input.reward, settings, input.item_worth) {
    if (places_.recommending.empty())
      throw base::Error(base::ErrorKind::data,
                        "rl: no training dialogue has a recommender's turn that names a new item");
    if (settings.items == "clicks") {
      clicks_.emplace(policy_.ranker, input.start, reference_,
                      feedback::read_slates(input.dialogues, input.start.catalogue), settings);
      for (const std::string& line : clicks_->describe()) stage_.console.line("rl  " + line);
    }
    if (algorithm_ == Algorithm::sft && !clicks_ && places_.imitable.empty())
      throw base::Error(
          base::ErrorKind::data,
          "rl: every recommender's turn of the training dialogues names several items, "
          "so there is no reply to imitate");
    replies_.emplace(policy_, input.start, input.reward, places_, judged(), settings, input.type);
  }

  PolicyResult run() {
    if (const auto checkpoint = train::resume(stage_)) load(*checkpoint);
    base::RunLog log(stage_.folder, iteration_);
    if (iteration_ == 0) log_start(log);
    base::Progress progress(stage_.console, "rl", settings_.iterations, iteration_);
    while (iteration_ < settings_.iterations) {
      iteration_ += 1;
      log.write(iteration_, iterate());
      progress.advance(1, base::concatenate("score ", base::fixed(last_score_, 3), "  KL ",
                                            base::fixed(last_words_kl_, 2), "  item KL ",
                                            base::fixed(item_kl(), 2)));
      train::save_when_due(stage_, iteration_, [&] { return make_checkpoint(); });
    }
    progress.finish();
    const double words_kl = words_.measure_kl(replies_->own_replies(place("rl/end"))),
                 item_kl = end_item_kl();
    if (!std::isfinite(words_kl))
      throw base::UsageError(
          "rl: the policy's probabilities are no numbers any more at the end; try a smaller "
          "rl.learning_rate, or rl.kl_target above 0");
    return {std::move(policy_), static_cast<int>(iteration_), words_kl, item_kl};
  }

 private:
  // What the start model is worth, as step 0.
  void log_start(base::RunLog& log) const {
    if (!input_.gold) return;
    if (const std::optional<double> gold = input_.gold(policy_)) log.write(0, {{"gold", *gold}});
  }

  double end_item_kl() const {
    return clicks_ ? clicks_->kl()
                   : items_.measure_kl(cast_without_gradient(policy_.language, input_.type),
                                       places_.recommending, place("rl/end"));
  }

  std::vector<JudgedUnit> judged() const {
    std::vector<JudgedUnit> units = read_judged(
        input_.judged, policy_.tokens, settings_.learn_mode ? PairedModes::any : PairedModes::alike,
        settings_.max_tokens, static_cast<int>(policy_.language.config.context));
    if (units.size() < input_.judged.size())
      stage_.console.line(base::concatenate(
          "rl  ", input_.judged.size() - units.size(), " of ", input_.judged.size(),
          " preferences left out: a reply names several items, names its item only where it is cut "
          "(rl.max_tokens), or one of a pair recommends and the other does not (rl.learn_mode)"));
    if (units.empty() && !input_.judged.empty())
      throw base::Error(base::ErrorKind::data, "rl: no preference is left to learn from");
    return units;
  }

  base::RandomPlace place(std::string_view what) const {
    return {stage_.seed, what, static_cast<std::uint64_t>(iteration_), 0};
  }

  double learning_rate(double peak) const {  // linear to 0
    return peak * (1 - static_cast<double>(iteration_ - 1) / settings_.iterations);
  }

  double item_kl() const { return clicks_ ? clicks_->kl() : items_.kl(); }

  base::Metrics update_items() {
    const model::Weights current = cast_without_gradient(policy_.language, input_.type);
    const double step = learning_rate(settings_.item_learning_rate);
    return clicks_ ? clicks_->update(current, step, place("rl/items"))
                   : items_.update(current, places_.recommending, step, place("rl/items"));
  }

  base::Metrics iterate() {
    const auto start = Clock::now();
    Replies replies = replies_->draw(place("rl/replies"));
    const double rollout_seconds = seconds_since(start);
    const double tokens = tokens_of(replies.episodes);
    stage_.profile->add("drawing replies", rollout_seconds, {.tokens = tokens});
    const auto score_start = Clock::now();
    const Rollout rollout = words_.prepare(std::move(replies.episodes), std::move(replies.scores),
                                           place("rl/minibatches"), replies.states);
    const double score_seconds = seconds_since(score_start);
    stage_.profile->add("log-probabilities", score_seconds, {.tokens = tokens});
    // The item slot first: at the first iteration the language model is still the reference's.
    base::Metrics metrics = [&] {
      const auto timer = stage_.profile->time("update of the items");
      return update_items();
    }();
    const auto add = [&](const base::Metrics& more) {
      metrics.insert(metrics.end(), more.begin(), more.end());
    };
    const auto update_start = Clock::now();
    const base::Metrics learned = update_words(rollout);
    add(learned);
    const double update_seconds = seconds_since(update_start);
    const double update_tokens = value_of(learned, "tokens");
    stage_.profile->add("update of the words", update_seconds, {.tokens = update_tokens});
    add(rollout_metrics(rollout));
    const double seconds = seconds_since(start);
    add({{"seconds/rollout", rollout_seconds},
         {"seconds/score", score_seconds},
         {"seconds/score_share", score_seconds / seconds},
         {"seconds/update", update_seconds},
         {"seconds/all", seconds},
         {"tokens_per_second/rollout", tokens / rollout_seconds},
         {"tokens_per_second/update", update_tokens / update_seconds}});
    if (words_.pays_for_kl()) {
      last_words_kl_ = rollout.kl;
      add({{"objective/kl", rollout.kl}, {"objective/kl_k3", rollout.kl_k3}});
    }
    const bool measures = iteration_ == 1 || iteration_ % settings_.gold_every == 0 ||
                          iteration_ == settings_.iterations;
    if (input_.sentiment && measures)
      if (const auto cheer = sentiment_correlation(rollout))
        add({{"reward/sentiment_correlation", *cheer}});
    if (input_.gold && measures) {
      const auto timer = stage_.profile->time("judging the policy");
      if (const std::optional<double> gold = input_.gold(policy_)) add({{"gold", *gold}});
    }
    last_score_ = mean(rollout.raw_scores);
    return metrics;
  }

  // Algorithms that do not pay for KL know nothing of how far the policy has gone from its
  // reference: it is measured, a step over the budget is taken back, and from then on steps are
  // half as large.
  base::Metrics update_words(const Rollout& rollout) {
    if (items_have_worth(settings_)) return {};         // words are worth nothing by themselves
    if (clicks_ && !replies_->has_judged()) return {};  // they are about items
    const double step = step_share_ * learning_rate(settings_.learning_rate);
    const auto update = [&] {
      return words_.update(rollout, step, place("rl/minibatches"),
                           learning_rate(settings_.critic_learning_rate));
    };
    if (words_.pays_for_kl()) return update();
    const model::TensorMap before = policy_.language.trained().copy();
    base::Metrics metrics = update();
    const double kl = words_.measure_kl(replies_->own_replies(place("rl/replies")));
    const bool too_far =
        !std::isfinite(kl) || (settings_.kl_target > 0 && kl > settings_.kl_target);
    if (too_far) {
      policy_.language.trained().assign(before, "rl");
      step_share_ /= 2;
    } else {
      last_words_kl_ = kl;
    }
    metrics.insert(metrics.end(), {{"objective/kl", last_words_kl_},
                                   {"kl/taken_back", too_far},
                                   {"kl/step_share", step_share_}});
    return metrics;
  }

  base::Metrics rollout_metrics(const Rollout& rollout) const {
    double ended = 0, recommending = 0;
    for (const Episode& episode : rollout.episodes) {
      ended += episode.action.ended;
      recommending += episode.has_item;
    }
    const auto n = static_cast<double>(rollout.episodes.size());
    return {{"objective/entropy", rollout.entropy},
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
            {"length/mean", tokens_of(rollout.episodes) / n},
            {"mismatch/log_prob", rollout.mismatch.log_prob},
            {"mismatch/token_error", rollout.mismatch.token_error},
            {"mismatch/kl", rollout.mismatch.kl},
            {"lr", learning_rate(settings_.learning_rate)},
            {"eps", settings_.clip_high},
            {"episode", 1. * iteration_ * settings_.batch}};
  }

  // Of the replies' scores with the sentiment of their words; nothing where either is the same for
  // all.
  std::optional<double> sentiment_correlation(const Rollout& rollout) const {
    std::vector<double> cheer;
    for (const Episode& episode : rollout.episodes) {
      dialogue::Turn turn;
      turn.text = episode.action.text;
      turn.mentions = episode.action.mentions;
      cheer.push_back(input_.sentiment(dialogue::words_without_items(turn)));
    }
    return metrics::pearson(rollout.raw_scores, cheer);
  }

  model::Checkpoint make_checkpoint() const {
    model::Checkpoint checkpoint{
        iteration_, {}, {{"words_kl", last_words_kl_}, {"step_share", step_share_}}};
    model::add_prefixed(checkpoint.tensors, policy_.language.trained().values(), "model.");
    model::add_prefixed(checkpoint.tensors, policy_.ranker.parameters().values(), "ranker.");
    words_.save(checkpoint);
    if (clicks_)
      clicks_->save(checkpoint);
    else
      items_.save(checkpoint);
    return checkpoint;
  }

  void load(const model::Checkpoint& checkpoint) {
    policy_.language.trained().assign(model::with_prefix(checkpoint.tensors, "model."),
                                      "checkpoint");
    policy_.ranker.parameters().assign(model::with_prefix(checkpoint.tensors, "ranker."),
                                       "checkpoint");
    words_.load(checkpoint);
    if (clicks_)
      clicks_->load(checkpoint);
    else
      items_.load(checkpoint);
    last_words_kl_ = checkpoint.state.at("words_kl");
    step_share_ = checkpoint.state.at("step_share");
    iteration_ = checkpoint.step;
  }

  const PolicyInput& input_;
  const RlSettings& settings_;
  const Algorithm algorithm_;
  const train::Stage& stage_;
  recommend::TrainedModel policy_;
  Places places_;
  model::Weights reference_;
  WordsTrainer words_;
  ItemTrainer items_;
  std::optional<ClickTrainer> clicks_;  // in its place where the items learn from clicks
  std::optional<ReplySource> replies_;  // always, once all that it needs was found sound
  std::int64_t iteration_ = 0;
  double last_words_kl_ = 0, last_score_ = 0;
  double step_share_ = 1;  // halved whenever a step went over the words' budget of KL
};

}  // namespace

PolicyResult train_policy(const PolicyInput& input, const RlSettings& settings,
                          const train::Stage& stage) {
  check_algorithm(settings);
  if (compares_replies(resolved(settings)) && settings.batch % settings.group_size != 0)
    throw base::UsageError("rl.batch is ", settings.batch, ", no multiple of rl.group_size, ",
                           settings.group_size);
  if (settings.iterations < 1 || settings.batch < 2 || settings.minibatch < 1)
    throw base::UsageError(
        "rl.iterations and rl.minibatch must be at least 1, rl.batch at least 2");
  return Trainer(input, settings, stage).run();
}

}  // namespace rl
