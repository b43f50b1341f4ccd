#include "rl/train_policy.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/error.h"
#include "base/format.h"
#include "base/run_log.h"
#include "metrics/correlation.h"
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

constexpr int kRedraws = 3;  // of states in place of those that teach nothing

// Whether several replies to one state are drawn, to be compared with each other.
bool compares_replies(const AlgorithmSettings& method) {
  switch (algorithm_named(method.algorithm)) {
    case Algorithm::ppo:
    case Algorithm::sft:
      return false;
    case Algorithm::reinforce_pp:
      return method.baseline == "group_mean";
    default:
      return true;
  }
}

class Trainer {
 public:
  Trainer(const PolicyInput& input, const RlSettings& settings, const train::Stage& stage)
      : input_(input),
        settings_(settings),
        method_(resolved(settings)),
        algorithm_(algorithm_named(settings.algorithm)),
        compares_(compares_replies(method_)),
        stage_(stage),
        policy_(copy_of(input.start)),
        places_(find_places(input.dialogues)),
        reference_(cast_without_gradient(input.start.language, input.type)),
        words_(policy_.language, reference_, dialogue_scorer(policy_.tokens), settings, input.type),
        items_(policy_.ranker, input.start, reference_, input.reward, settings, input.item_worth) {
    if (places_.recommending.empty())
      throw base::Error(base::ErrorKind::data,
                        "rl: no training dialogue has a recommender's turn that names a new item");
    read_judged();
  }

  PolicyResult run() {
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
  // The judged replies as episodes. What the policy could not have said is left out, and where the
  // mode is not learned, pairs of different modes are.
  void read_judged() {
    if (input_.judged.empty()) return;
    for (const std::vector<JudgedReply>& unit : input_.judged) {
      std::vector<std::pair<Episode, double>> own;
      for (const JudgedReply& judged : unit)
        if (auto episode = said_reply(judged.state, judged.reply, policy_.tokens,
                                      settings_.max_tokens, positions()))
          own.emplace_back(std::move(*episode), judged.score);
      const bool alike =
          settings_.learn_mode || std::all_of(own.begin(), own.end(), [&](const auto& one) {
            return one.first.action.recommends == own[0].first.action.recommends;
          });
      if (own.size() == unit.size() && alike) judged_.push_back(std::move(own));
    }
    if (judged_.size() < input_.judged.size())
      stage_.console.line(base::concatenate(
          "rl  ", input_.judged.size() - judged_.size(), " of ", input_.judged.size(),
          " preferences left out: a reply names several items, or one of a pair recommends and the "
          "other does not (rl.learn_mode)"));
    if (judged_.empty())
      throw base::Error(base::ErrorKind::data, "rl: no preference is left to learn from");
  }

  base::RandomPlace place(std::string_view what) const {
    return {stage_.seed, what, static_cast<std::uint64_t>(iteration_), 0};
  }

  double learning_rate(double peak) const {  // linear to 0
    return peak * (1 - static_cast<double>(iteration_ - 1) / settings_.iterations);
  }

  base::Metrics iterate() {
    const auto start = Clock::now();
    Replies replies = sample();
    const double rollout_seconds = seconds_since(start);
    const auto score_start = Clock::now();
    const Rollout rollout = words_.prepare(std::move(replies.episodes), std::move(replies.scores),
                                           place("rl/minibatches"), replies.states);
    const double score_seconds = seconds_since(score_start);
    // The item slot first: at the first iteration the language model is still the reference's.
    base::Metrics metrics =
        items_.update(cast_without_gradient(policy_.language, input_.type), places_.recommending,
                      learning_rate(settings_.item_learning_rate), place("rl/items"));
    const auto add = [&](const base::Metrics& more) {
      metrics.insert(metrics.end(), more.begin(), more.end());
    };
    const auto update_start = Clock::now();
    add(update_words(rollout));
    const double update_seconds = seconds_since(update_start);
    add(rollout_metrics(rollout));
    const double seconds = seconds_since(start);
    add({{"seconds/rollout", rollout_seconds},
         {"seconds/score", score_seconds},
         {"seconds/score_share", score_seconds / seconds},
         {"seconds/update", update_seconds},
         {"seconds/all", seconds},
         {"tokens_per_second/rollout", tokens_of(rollout) / rollout_seconds},
         {"tokens_per_second/update", tokens_of(rollout) / update_seconds}});
    if (learns_by_advantages(algorithm_)) {
      last_words_kl_ = rollout.kl;
      add({{"objective/kl", rollout.kl}, {"objective/kl_k3", rollout.kl_k3}});
    }
    const bool measures = iteration_ == 1 || iteration_ % settings_.gold_every == 0 ||
                          iteration_ == settings_.iterations;
    if (input_.sentiment && measures)
      if (const auto cheer = sentiment_correlation(rollout))
        add({{"reward/sentiment_correlation", *cheer}});
    if (input_.gold && measures)
      if (const std::optional<double> gold = input_.gold(policy_)) add({{"gold", *gold}});
    last_score_ = mean(rollout.raw_scores);
    return metrics;
  }

  // Algorithms that learn by advantages pay for KL. The others know nothing of how far the policy
  // has gone from its reference: it is measured, a step over the budget is taken back, and from
  // then on steps are half as large.
  base::Metrics update_words(const Rollout& rollout) {
    if (items_have_worth(settings_)) return {};  // words are worth nothing by themselves
    const double step = step_share_ * learning_rate(settings_.learning_rate);
    if (learns_by_advantages(algorithm_))
      return words_.update(rollout, step, place("rl/minibatches"),
                           learning_rate(settings_.critic_learning_rate));
    const model::TensorMap before = policy_.language.trained().copy();
    base::Metrics metrics = words_.update(rollout, step, place("rl/minibatches"));
    const double kl = words_.measure_kl(own_replies());
    const bool too_far = settings_.kl_target > 0 && kl > settings_.kl_target;
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

  // Replies, each with its score and the number of its state.
  struct Replies {
    std::vector<Episode> episodes;
    std::vector<double> scores;
    std::vector<int> states;
  };

  Replies sample() {
    Replies replies = judged_.empty() ? draw(0) : draw_judged();
    // DAPO: states whose replies all score the same teach nothing; others are drawn instead.
    for (int round = 1; method_.dynamic_sampling && round <= kRedraws; ++round) {
      const auto missing = replace_equal(replies, draw(round));
      if (missing == 0) break;
    }
    return replies;
  }

  Replies draw_judged() const {
    base::Random random(place("rl/judged"));
    Replies replies;
    for (int state = 0; replies.episodes.size() < static_cast<std::size_t>(settings_.batch);
         ++state)
      for (const auto& [episode, score] : judged_[random.below(judged_.size())]) {
        replies.episodes.push_back(episode);
        replies.scores.push_back(score);
        replies.states.push_back(state);
      }
    return replies;
  }

  Replies draw(int round) {
    const int each = compares_ ? method_.group_size : 1;
    base::RandomPlace at = place("rl/states");
    at.stream = static_cast<std::uint64_t>(round);
    const std::vector<Place> places =
        draw_places(algorithm_ == Algorithm::sft ? places_.imitable : places_.all,
                    std::max(settings_.batch / each, 1), at);
    Replies replies;
    if (algorithm_ == Algorithm::sft) {
      replies.episodes =
          logged_replies(places, policy_.tokens, policy_.state, settings_.max_tokens, positions());
    } else {
      std::vector<dialogue::State> states;
      for (const dialogue::State& state : states_before(places, policy_.state))
        states.insert(states.end(), static_cast<std::size_t>(each), state);
      replies.episodes = roll_out(sampler(), policy_.tokens, states, sampling(round), positions());
    }
    for (std::size_t i = 0; i < replies.episodes.size(); ++i)
      replies.states.push_back(static_cast<int>(i) / each);
    std::vector<reward::ScoredReply> scored;
    for (const Episode& episode : replies.episodes) {
      std::vector<int> ids = episode.prompt;
      ids.insert(ids.end(), episode.tokens.begin(), episode.tokens.end());
      scored.push_back({episode.action, std::move(ids)});
    }
    replies.scores = input_.reward.response_scores(scored);
    if (settings_.reward == "shuffled") {
      at.stage = "rl/shuffled";
      base::Random(at).shuffle(replies.scores);
    }
    if (items_have_worth(settings_)) std::fill(replies.scores.begin(), replies.scores.end(), 0);
    if (settings_.reward == "length")
      for (std::size_t i = 0; i < replies.scores.size(); ++i)
        replies.scores[i] = static_cast<double>(replies.episodes[i].tokens.size());
    return replies;
  }

  // Puts states of `more` whose replies score apart in place of those of `replies` whose do not.
  // Returns how many of the latter are left.
  std::size_t replace_equal(Replies& replies, Replies more) const {
    const auto each = static_cast<std::size_t>(method_.group_size);
    const auto teaches = [&](const Replies& of, std::size_t from) {
      const auto begin = of.scores.begin() + static_cast<std::ptrdiff_t>(from);
      const auto [low, high] = std::minmax_element(begin, begin + method_.group_size);
      return *low < *high;
    };
    std::size_t next = 0, left = 0;
    for (std::size_t from = 0; from + each <= replies.scores.size(); from += each) {
      if (teaches(replies, from)) continue;
      while (next < more.scores.size() && !teaches(more, next)) next += each;
      if (next >= more.scores.size()) {
        left += 1;
        continue;
      }
      for (std::size_t i = 0; i < each; ++i) {
        replies.episodes[from + i] = std::move(more.episodes[next + i]);
        replies.scores[from + i] = more.scores[next + i];
      }
      next += each;
    }
    return left;
  }

  // Of the policy as it is, to measure it by.
  std::vector<Episode> own_replies() {
    recommend::TrainedRecommender policy("policy", policy_,
                                         {settings_.batch, input_.type, "in-training"});
    return roll_out(policy, policy_.tokens,
                    states_before(draw_places(places_.all, settings_.batch, place("rl/measured")),
                                  policy_.state),
                    sampling(0), positions());
  }

  dialogue::Sampling sampling(int round) const {
    dialogue::Sampling sampling;
    sampling.temperature = settings_.temperature;
    sampling.max_tokens = settings_.max_tokens;
    base::RandomPlace at = place("rl/sampling");
    at.stream = static_cast<std::uint64_t>(round);
    sampling.seed = base::random_key(at);
    return sampling;
  }

  int positions() const { return static_cast<int>(policy_.language.config.context); }

  // The policy; its reference, which stands still, for algorithms that need no replies of the
  // policy's own.
  dialogue::Recommender& sampler() {
    const bool own = learns_by_advantages(algorithm_);
    if (own || !sampler_)
      sampler_ = std::make_unique<recommend::TrainedRecommender>(
          own ? "policy" : "reference", own ? policy_ : input_.start,
          recommend::ReplyOptions{settings_.batch, input_.type, "in-training"});
    return *sampler_;
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
            {"length/mean", tokens_of(rollout) / n},
            {"mismatch/log_prob", rollout.mismatch},
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
    step_share_ = checkpoint.state.at("step_share");
    iteration_ = checkpoint.step;
  }

  const PolicyInput& input_;
  const RlSettings& settings_;
  const AlgorithmSettings method_;  // settings_, resolved
  const Algorithm algorithm_;
  const bool compares_;  // replies to one state with each other
  const train::Stage& stage_;
  recommend::TrainedModel policy_;
  Places places_;
  model::Weights reference_;
  WordsTrainer words_;
  ItemTrainer items_;
  std::unique_ptr<recommend::TrainedRecommender> sampler_;
  std::vector<std::vector<std::pair<Episode, double>>> judged_;
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
