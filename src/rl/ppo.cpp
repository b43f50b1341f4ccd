#include "rl/ppo.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/format.h"
#include "base/random.h"
#include "base/run_log.h"
#include "recommend/train_ranker.h"
#include "recommend/trained_recommender.h"
#include "rl/advantages.h"
#include "rl/item_slot.h"
#include "rl/losses.h"
#include "rl/masked.h"
#include "rl/score_scaling.h"
#include "rl/token_policy.h"
#include "train/adamw.h"

namespace rl {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A recommender's turn that the policy may be put in the place of.
struct Place {
  const dialogue::Dialogue* dialogue;
  std::size_t turn;
  int target = -1;  // a new item that was recommended there
};

struct Places {
  std::vector<Place> all, recommending;
};

Places find_places(const std::vector<const dialogue::Dialogue*>& dialogues,
                   const dialogue::StateOptions& options) {
  Places places;
  for (const dialogue::Dialogue* dialogue : dialogues)
    for (std::size_t t = 1; t < dialogue->turns.size(); ++t) {
      if (dialogue->turns[t].role != dialogue::Role::recommender) continue;
      Place place{dialogue, t};
      const std::vector<int> items = dialogue->turns[t].items();
      if (!items.empty()) {
        const dialogue::State state = dialogue::state_before(*dialogue, t, options);
        for (int item : items) {
          const bool named =
              std::any_of(state.items.begin(), state.items.end(),
                          [&](const dialogue::KnownItem& known) { return known.item == item; });
          if (!named && place.target < 0) place.target = item;
        }
      }
      places.all.push_back(place);
      if (place.target >= 0) places.recommending.push_back(place);
    }
  return places;
}

std::vector<Place> choose(const std::vector<Place>& places, int count,
                          const base::RandomPlace& at) {
  base::Random random(at);
  std::vector<Place> chosen;
  for (int i = 0; i < count; ++i) chosen.push_back(places[random.below(places.size())]);
  return chosen;
}

std::vector<dialogue::State> states_of(const std::vector<Place>& places,
                                       const dialogue::StateOptions& options) {
  std::vector<dialogue::State> states;
  for (const Place& place : places)
    states.push_back(dialogue::state_before(*place.dialogue, place.turn, options));
  return states;
}

recommend::TrainedModel copy_of(const recommend::TrainedModel& model) {
  return {model.catalogue, model.state, model.tokens,
          model::gpt2_from_tensors(model.language.config, model.language.parameters.copy(), "copy"),
          model.ranker.clone()};
}

// Rows of different lengths side by side: [B, R] with 0 behind a row's end.
torch::Tensor pad(const std::vector<torch::Tensor>& rows) {
  std::int64_t longest = 1;
  for (const torch::Tensor& row : rows) longest = std::max(longest, row.size(0));
  torch::Tensor out =
      torch::zeros({static_cast<std::int64_t>(rows.size()), longest}, rows[0].options());
  for (std::size_t b = 0; b < rows.size(); ++b)
    out[static_cast<std::int64_t>(b)].narrow(0, 0, rows[b].size(0)).copy_(rows[b]);
  return out;
}

// A rollout with all that its update needs; rows are [B, R].
struct Rollout {
  std::vector<Episode> episodes;
  torch::Tensor log_probs, reference, values, mask, rewards;
  Advantages gae;
  std::vector<std::vector<std::size_t>>
      first_minibatches;  // of the first epoch: scored in just these shapes
  double kl = 0, entropy = 0, non_score = 0, mismatch = 0;
  std::vector<double> raw_scores, scores;
  int ended = 0;
  double mean_length = 0;
};

class Trainer {
 public:
  Trainer(const PpoInput& input, const PpoSettings& settings, const train::Stage& stage)
      : input_(input),
        settings_(settings),
        stage_(stage),
        policy_(copy_of(input.start)),
        places_(find_places(input.dialogues, input.start.state)),
        words_kl_({settings.beta, settings.kl_target, settings.kl_horizon}),
        item_kl_({settings.item_beta, settings.item_kl_target, settings.kl_horizon / 4}) {
    if (places_.all.empty() || places_.recommending.empty())
      throw base::Error(base::ErrorKind::data,
                        "rl: no training dialogue has a recommender's turn that names a new item");
    torch::NoGradGuard no_grad;
    reference_ = model::cast(input.start.language, input.type);
    reference_items_ = recommend::item_embeddings(reference_, input.start.tokens);
    value_parameters_.add("value.weight", torch::zeros({input.start.language.config.n_embd}));
    value_parameters_.add("value.bias", torch::zeros({1}));
    std::vector<torch::Tensor> words = policy_.language.parameters.tensors();
    for (const torch::Tensor& tensor : value_parameters_.tensors()) words.push_back(tensor);
    const train::AdamWOptions adam{.beta2 = .999, .epsilon = 1e-5, .weight_decay = 0};
    optimiser_ = std::make_unique<train::AdamW>(words, adam);
    item_optimiser_ = std::make_unique<train::AdamW>(policy_.ranker.parameters().tensors(), adam);
  }

  PpoResult run() {
    if (const auto checkpoint = train::resume(stage_)) load(*checkpoint);
    base::RunLog log(stage_.folder, iteration_);
    base::Progress progress(stage_.console, "rl", settings_.iterations, iteration_);
    while (iteration_ < settings_.iterations) {
      iteration_ += 1;
      const auto start = Clock::now();
      Rollout rollout = roll_out_and_score();
      const double rollout_seconds = seconds_since(start);
      // The item slot first: at the first iteration the language model is still the reference's.
      base::Metrics metrics = update_item_slot();
      for (auto& metric : update_words(rollout)) metrics.push_back(std::move(metric));
      words_kl_.update(rollout.kl, settings_.batch);
      last_words_kl_ = rollout.kl;
      add_rollout_metrics(metrics, rollout);
      metrics.emplace_back("seconds/rollout", rollout_seconds);
      metrics.emplace_back("seconds/all", seconds_since(start));
      if (iteration_ == 1 || iteration_ % settings_.gold_every == 0 ||
          iteration_ == settings_.iterations)
        if (input_.gold)
          if (const std::optional<double> gold = input_.gold(policy_))
            metrics.emplace_back("gold", *gold);
      log.write(iteration_, metrics);
      progress.advance(1, base::concatenate("score ", base::fixed(mean(rollout.raw_scores), 3),
                                            "  KL ", base::fixed(rollout.kl, 2), "  item KL ",
                                            base::fixed(last_item_kl_, 2)));
      train::save_when_due(stage_, iteration_, [&] { return make_checkpoint(); });
    }
    progress.finish();
    return {std::move(policy_), static_cast<int>(iteration_), last_words_kl_, last_item_kl_};
  }

 private:
  base::RandomPlace place(std::string_view what, std::uint64_t stream = 0) const {
    return {stage_.seed, what, static_cast<std::uint64_t>(iteration_), stream};
  }

  double learning_rate(double peak) const {  // linear to 0
    return peak * (1 - static_cast<double>(iteration_ - 1) / settings_.iterations);
  }

  ValueHead value_head() const {
    return {value_parameters_.at("value.weight"), value_parameters_.at("value.bias")};
  }

  static double mean(const std::vector<double>& values) {
    return values.empty() ? 0
                          : std::accumulate(values.begin(), values.end(), 0.) /
                                static_cast<double>(values.size());
  }

  std::vector<std::vector<std::size_t>> minibatches(int epoch) const {
    std::vector<std::size_t> order(static_cast<std::size_t>(settings_.batch));
    std::iota(order.begin(), order.end(), std::size_t{0});
    base::Random(place("rl/minibatches", static_cast<std::uint64_t>(epoch))).shuffle(order);
    std::vector<std::vector<std::size_t>> out;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i % static_cast<std::size_t>(settings_.minibatch) == 0) out.emplace_back();
      out.back().push_back(order[i]);
    }
    return out;
  }

  Rollout roll_out_and_score() {
    torch::NoGradGuard no_grad;
    Rollout rollout;
    dialogue::Sampling sampling;
    sampling.temperature = settings_.temperature;
    sampling.max_tokens = settings_.max_tokens;
    sampling.seed = base::random_key(place("rl/sampling"));
    {
      recommend::TrainedRecommender recommender("policy", policy_,
                                                {settings_.batch, input_.type, "in-training"});
      rollout.episodes = roll_out(
          recommender, policy_.tokens,
          states_of(choose(places_.all, settings_.batch, place("rl/states")), policy_.state),
          sampling, static_cast<int>(policy_.language.config.n_positions));
    }
    rollout.first_minibatches = minibatches(0);
    score_log_probs(rollout);
    score_replies(rollout);
    rollout.gae = estimate_advantages(rollout.rewards, rollout.values, rollout.mask,
                                      {settings_.discount, settings_.lambda});
    return rollout;
  }

  // Old and reference log-probabilities by the training forward, in the shapes of the first epoch's
  // minibatches, so that the first ratio is exactly 1.
  void score_log_probs(Rollout& rollout) const {
    const model::Gpt2Weights current = model::cast(policy_.language, input_.type);
    const ValueHead head = value_head();
    ScoreOptions options{settings_.temperature, &head};
    const std::size_t n = rollout.episodes.size();
    std::vector<torch::Tensor> log_probs(n), reference(n), values(n), mask(n), entropies(n);
    for (const std::vector<std::size_t>& chosen : rollout.first_minibatches) {
      std::vector<const Episode*> batch;
      for (std::size_t i : chosen) batch.push_back(&rollout.episodes[i]);
      const TokenScores now = score_tokens(current, policy_.tokens, batch, options);
      const TokenScores then =
          score_tokens(reference_, policy_.tokens, batch, {settings_.temperature});
      for (std::size_t b = 0; b < chosen.size(); ++b) {
        const auto row = static_cast<std::int64_t>(b);
        const auto length = static_cast<std::int64_t>(batch[b]->tokens.size());
        log_probs[chosen[b]] = now.log_probs[row].narrow(0, 0, length);
        values[chosen[b]] = now.values[row].narrow(0, 0, length);
        mask[chosen[b]] = now.mask[row].narrow(0, 0, length);
        entropies[chosen[b]] = now.entropies[row].narrow(0, 0, length);
        reference[chosen[b]] = then.log_probs[row].narrow(0, 0, length);
      }
    }
    rollout.log_probs = pad(log_probs);
    rollout.reference = pad(reference);
    rollout.values = pad(values);
    rollout.mask = pad(mask);
    rollout.entropy = masked_mean(pad(entropies), rollout.mask).item<double>();
    double difference = 0, count = 0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t t = 0; t < rollout.episodes[i].tokens.size(); ++t) {
        if (!mask[i][static_cast<std::int64_t>(t)].item<bool>()) continue;
        difference += std::abs(log_probs[i][static_cast<std::int64_t>(t)].item<double>() -
                               rollout.episodes[i].sampled_log_probs[t]);
        count += 1;
      }
    rollout.mismatch = difference / std::max(count, 1.);
  }

  // Rewards a token: -beta k1, and the scaled score on the last token.
  void score_replies(Rollout& rollout) {
    for (const Episode& episode : rollout.episodes) {
      rollout.raw_scores.push_back(input_.reward.response_score(episode.state, episode.action));
      rollout.ended += episode.action.ended;
      rollout.mean_length +=
          static_cast<double>(episode.tokens.size()) / static_cast<double>(rollout.episodes.size());
    }
    rollout.scores = scale_scores(rollout.raw_scores, settings_.score_clip, moments_);
    const torch::Tensor k1 = at::where(rollout.mask, kl_k1(rollout.log_probs, rollout.reference),
                                       torch::zeros_like(rollout.log_probs));
    rollout.kl = k1.sum(1).mean().item<double>();
    if (iteration_ == 1)
      base::check(k1.abs().max().item<double>() == 0,
                  "rl: the policy differs from its reference before the first update");
    rollout.rewards = -words_kl_.beta() * k1;
    rollout.non_score = rollout.rewards.sum(1).mean().item<double>();
    for (std::size_t b = 0; b < rollout.episodes.size(); ++b) {
      if (!rollout.episodes[b].action.ended) rollout.scores[b] -= settings_.missing_end_penalty;
      const auto last = static_cast<std::int64_t>(rollout.episodes[b].tokens.size()) - 1;
      // Where a reply is cut right after its item, the mode is the last token that the language
      // model chose.
      std::int64_t at = last;
      while (at > 0 && !rollout.mask[static_cast<std::int64_t>(b)][at].item<bool>()) --at;
      rollout.rewards[static_cast<std::int64_t>(b)][at] += rollout.scores[b];
    }
  }

  base::Metrics update_words(const Rollout& rollout) {
    const torch::Tensor advantages = whiten(rollout.gae.advantages, rollout.mask);
    double policy_loss = 0, value_loss_sum = 0, clip_fraction = 0, value_clip_fraction = 0,
           approx_kl = 0, norm = 0, ratio = 0;
    double first_ratio_variance = 0;
    int steps = 0, skipped = 0;
    bool stop = false;
    for (int epoch = 0; epoch < settings_.epochs && !stop; ++epoch) {
      for (const std::vector<std::size_t>& chosen :
           epoch == 0 ? rollout.first_minibatches : minibatches(epoch)) {
        std::vector<const Episode*> batch;
        std::vector<std::int64_t> rows;
        for (std::size_t i : chosen) {
          batch.push_back(&rollout.episodes[i]);
          rows.push_back(static_cast<std::int64_t>(i));
        }
        const ValueHead head = value_head();
        const TokenScores now = score_tokens(model::cast(policy_.language, input_.type),
                                             policy_.tokens, batch, {settings_.temperature, &head});
        const torch::Tensor index = torch::tensor(rows, torch::kInt64);
        const auto of = [&](const torch::Tensor& x) {
          return x.index_select(0, index).narrow(1, 0, now.log_probs.size(1));
        };
        const torch::Tensor mask = of(rollout.mask);
        const PpoLoss loss = ppo_loss(now.log_probs, of(rollout.log_probs), of(advantages), mask,
                                      {settings_.clip, settings_.clip});
        const ValueLoss values = value_loss(now.values, of(rollout.values), of(rollout.gae.returns),
                                            mask, settings_.value_clip);
        if (steps == 0) {
          base::check(loss.ratio_max == 1 && loss.ratio_min == 1,
                      "rl: the ratio at the first minibatch is ", loss.ratio_min, " to ",
                      loss.ratio_max, ", not 1: sampling and training forward differ");
          first_ratio_variance = loss.ratio_variance;
        }
        torch::Tensor total = loss.loss + settings_.value_weight * values.loss;
        if (settings_.entropy_weight != 0)
          total = total - settings_.entropy_weight * masked_mean(now.entropies, mask);
        total.backward();
        const double step_norm =
            optimiser_->step(learning_rate(settings_.learning_rate), settings_.clip_gradient);
        skipped += !std::isfinite(step_norm);
        policy_loss += loss.loss.item<double>();
        value_loss_sum += values.loss.item<double>();
        clip_fraction += loss.clip_fraction;
        value_clip_fraction += values.clip_fraction;
        approx_kl += loss.approx_kl;
        ratio += loss.ratio;
        norm += std::isfinite(step_norm) ? step_norm : 0;
        steps += 1;
        if (settings_.max_approx_kl > 0 && loss.approx_kl > 1.5 * settings_.max_approx_kl) {
          stop = true;
          break;
        }
      }
    }
    const double n = steps;
    return {{"loss/policy_avg", policy_loss / n},
            {"loss/value_avg", value_loss_sum / n},
            {"policy/approxkl_avg", approx_kl / n},
            {"policy/clipfrac_avg", clip_fraction / n},
            {"val/clipfrac_avg", value_clip_fraction / n},
            {"val/ratio", ratio / n},
            {"val/ratio_var", first_ratio_variance},
            {"grad_norm", norm / n},
            {"steps", n},
            {"steps_skipped", 1. * skipped},
            {"value/explained_variance",
             explained_variance(rollout.values, rollout.gae.returns, rollout.mask)}};
  }

  base::Metrics update_item_slot() {
    double reward = 0, reference_reward = 0, kl = 0, entropy = 0, norm = 0;
    model::Gpt2Weights current;
    {
      torch::NoGradGuard no_grad;
      current = model::cast(policy_.language, input_.type);
    }
    const torch::Tensor items = recommend::item_embeddings(current, policy_.tokens);
    for (int step = 0; step < settings_.item_steps; ++step) {
      const std::vector<Place> chosen = choose(places_.recommending, settings_.item_states,
                                               place("rl/items", static_cast<std::uint64_t>(step)));
      const std::vector<dialogue::State> states = states_of(chosen, policy_.state);
      recommend::RankBatch batch, reference_batch;
      std::vector<recommend::RankContext> reward_contexts;
      std::vector<std::int64_t> targets;
      for (std::size_t i = 0; i < states.size(); ++i) {
        batch.contexts.push_back(recommend::context_of(states[i], policy_.ranker.words()));
        reward_contexts.push_back(recommend::context_of(states[i], input_.reward.words()));
        targets.push_back(chosen[i].target);
      }
      reference_batch.contexts = batch.contexts;
      if (policy_.ranker.uses_language()) {
        batch.language_hidden = recommend::language_hidden(current, policy_.tokens, states);
        reference_batch.language_hidden =
            recommend::language_hidden(reference_, policy_.tokens, states);
      }
      batch.item_embeddings = items;
      reference_batch.item_embeddings = reference_items_;
      torch::Tensor reference, rewards;
      {
        torch::NoGradGuard no_grad;
        reference = at::log_softmax(input_.start.ranker.logits(reference_batch), 1);
        rewards = input_.reward.item_scores(reward_contexts);
      }
      const torch::Tensor log_probs = at::log_softmax(policy_.ranker.logits(batch), 1);
      const torch::Tensor wanted = torch::tensor(targets, torch::kInt64);
      ItemSlotOptions options{item_kl_.beta(), settings_.item_reward_clip,
                              settings_.item_cross_entropy};
      ItemSlotLoss loss = item_slot_loss(log_probs, reference, rewards, wanted, options);
      // The controller follows slowly; past four fifths of the budget the price rises at once.
      if (settings_.item_kl_target > 0 && loss.kl > .8 * settings_.item_kl_target) {
        options.beta *= 10;
        loss = item_slot_loss(log_probs, reference, rewards, wanted, options);
      }
      loss.loss.backward();
      norm += item_optimiser_->step(learning_rate(settings_.item_learning_rate),
                                    settings_.clip_gradient);
      item_kl_.update(loss.kl, settings_.item_states);
      if (iteration_ == 1 && step == 0)
        base::check(std::abs(loss.kl) < 1e-6,
                    "rl: the item slot differs from its reference before the first update");
      reward += loss.reward / settings_.item_steps;
      reference_reward += loss.reference_reward / settings_.item_steps;
      kl += loss.kl / settings_.item_steps;
      entropy += loss.entropy / settings_.item_steps;
    }
    last_item_kl_ = kl;
    return {{"item/reward", reward},
            {"item/reference_reward", reference_reward},
            {"item/kl", kl},
            {"item/entropy", entropy},
            {"item/beta", item_kl_.beta()},
            {"item/grad_norm", norm / std::max(settings_.item_steps, 1)}};
  }

  void add_rollout_metrics(base::Metrics& metrics, const Rollout& rollout) const {
    const double score = mean(rollout.raw_scores), n = static_cast<double>(rollout.episodes.size());
    const double recommending =
        static_cast<double>(std::count_if(rollout.episodes.begin(), rollout.episodes.end(),
                                          [](const Episode& e) { return e.has_item; }));
    metrics.insert(metrics.end(),
                   {{"objective/kl", rollout.kl},
                    {"objective/entropy", rollout.entropy},
                    {"objective/non_score_reward", rollout.non_score},
                    {"objective/scores", score},
                    {"objective/rlhf_reward", mean(rollout.scores) + rollout.non_score},
                    {"policy/entropy_avg", rollout.entropy},
                    {"beta", words_kl_.beta()},
                    {"val/num_eos_tokens", 1. * rollout.ended},
                    {"rate/ended", rollout.ended / n},
                    {"rate/recommends", recommending / n},
                    {"length/mean", rollout.mean_length},
                    {"mismatch/log_prob", rollout.mismatch},
                    {"lr", learning_rate(settings_.learning_rate)},
                    {"eps", settings_.clip},
                    {"episode", 1. * iteration_ * settings_.batch}});
  }

  model::Checkpoint make_checkpoint() const {
    model::Checkpoint checkpoint{iteration_,
                                 {},
                                 {{"beta", words_kl_.beta()},
                                  {"item_beta", item_kl_.beta()},
                                  {"moments", moments_.to_json()},
                                  {"words_kl", last_words_kl_},
                                  {"item_kl", last_item_kl_}}};
    const auto add = [&](const model::ParameterSet& set, const char* prefix) {
      for (const auto& [name, tensor] : set.values()) checkpoint.tensors[prefix + name] = tensor;
    };
    add(policy_.language.parameters, "model.");
    add(policy_.ranker.parameters(), "ranker.");
    add(value_parameters_, "critic.");
    optimiser_->save(checkpoint.tensors, "optimiser.");
    item_optimiser_->save(checkpoint.tensors, "item_optimiser.");
    return checkpoint;
  }

  void load(const model::Checkpoint& checkpoint) {
    const auto take = [&](model::ParameterSet& set, const std::string& prefix) {
      model::TensorMap own;
      for (const auto& [name, tensor] : checkpoint.tensors)
        if (name.rfind(prefix, 0) == 0) own[name.substr(prefix.size())] = tensor;
      set.assign(own, "checkpoint");
    };
    take(policy_.language.parameters, "model.");
    take(policy_.ranker.parameters(), "ranker.");
    take(value_parameters_, "critic.");
    optimiser_->load(checkpoint.tensors, "optimiser.");
    item_optimiser_->load(checkpoint.tensors, "item_optimiser.");
    words_kl_.set_beta(checkpoint.state.at("beta"));
    item_kl_.set_beta(checkpoint.state.at("item_beta"));
    moments_.from_json(checkpoint.state.at("moments"));
    last_words_kl_ = checkpoint.state.at("words_kl");
    last_item_kl_ = checkpoint.state.at("item_kl");
    iteration_ = checkpoint.step;
  }

  const PpoInput& input_;
  const PpoSettings& settings_;
  const train::Stage& stage_;
  recommend::TrainedModel policy_;
  Places places_;
  KlController words_kl_, item_kl_;
  RunningMoments moments_;
  model::Gpt2Weights reference_;
  torch::Tensor reference_items_;
  model::ParameterSet value_parameters_;
  std::unique_ptr<train::AdamW> optimiser_, item_optimiser_;
  std::int64_t iteration_ = 0;
  double last_words_kl_ = 0, last_item_kl_ = 0;
};

}  // namespace

PpoResult train_ppo(const PpoInput& input, const PpoSettings& settings, const train::Stage& stage) {
  if (settings.iterations < 1 || settings.batch < 2 || settings.minibatch < 1)
    throw base::UsageError(
        "rl.iterations and rl.minibatch must be at least 1, rl.batch at least 2");
  return Trainer(input, settings, stage).run();
}

}  // namespace rl
