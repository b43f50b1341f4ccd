#include "rl/item_trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "recommend/language_states.h"
#include "rl/item_slot.h"

namespace rl {
namespace {

constexpr double kGuarded = .8;  // of the KL budget, from where a step pays the guard's price

}  // namespace

ItemTrainer::ItemTrainer(recommend::Ranker& policy, const recommend::TrainedModel& start,
                         const model::Weights& reference, const reward::RewardModel& reward,
                         const RlSettings& settings, ItemWorth worth)
    : policy_(policy),
      start_(start),
      reference_(start, reference),
      reward_(reward),
      settings_(settings),
      optimiser_(policy.parameters().tensors(),
                 {.beta2 = .999, .epsilon = 1e-5, .weight_decay = 0}),
      kl_({settings.item_beta, settings.item_kl_target, settings.item_kl_horizon}),
      imitates_(settings.algorithm == "sft"),
      rewarded_(!imitates_ && settings.reward != "length"),
      worth_(items_have_worth(settings) ? std::move(worth) : ItemWorth()) {
  if (items_have_worth(settings) && !worth_)
    throw base::UsageError("rl.reward=", settings.reward,
                           ", but nobody here knows what items are worth");
}

// [N] int64: whose reward each item gets, the same throughout a run.
torch::Tensor ItemTrainer::exchanged(std::uint64_t seed) const {
  std::vector<std::int64_t> order(static_cast<std::size_t>(start_.catalogue.size()));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  base::Random({.seed = seed, .stage = "rl/shuffled items"}).shuffle(order);
  return torch::tensor(order, torch::kInt64);
}

// States to rank for, and what the loss compares with.
struct ItemTrainer::Batch {
  SlotStates states;
  torch::Tensor rewards;  // [B, N]
  torch::Tensor targets;  // [B]
};

torch::Tensor ItemTrainer::worth_of(const std::vector<Place>& chosen) const {
  std::vector<torch::Tensor> rows;
  for (const Place& place : chosen) rows.push_back(torch::tensor(worth_(place)));
  return at::stack(rows);
}

torch::Tensor ItemTrainer::learned_rewards(const std::vector<dialogue::State>& states) const {
  std::vector<recommend::RankContext> contexts;
  for (const dialogue::State& state : states)
    contexts.push_back(recommend::context_of(state, reward_.words()));
  return reward_.item_scores(contexts);
}

ItemTrainer::Batch ItemTrainer::make_batch(const std::vector<Place>& chosen,
                                           const std::vector<dialogue::State>& states,
                                           SlotStates slots, std::uint64_t seed) const {
  torch::NoGradGuard no_grad;
  Batch batch{std::move(slots), {}, {}};
  std::vector<std::int64_t> targets;
  for (const Place& place : chosen) targets.push_back(place.target);
  batch.targets = torch::tensor(targets, torch::kInt64);
  if (!rewarded_) {
    batch.rewards = torch::zeros_like(batch.states.reference);
    return batch;
  }
  batch.rewards = worth_ ? worth_of(chosen) : learned_rewards(states);
  if (settings_.reward == "shuffled")
    batch.rewards = batch.rewards.index_select(1, exchanged(seed));
  return batch;
}

base::Metrics ItemTrainer::update(const model::Weights& current, const std::vector<Place>& places,
                                  double learning_rate, const base::RandomPlace& at) {
  const torch::Tensor embeddings = recommend::item_embeddings(current, start_.tokens);
  std::vector<std::vector<Place>> chosen;  // by step
  std::vector<std::vector<dialogue::State>> states;
  for (int step = 0; step < settings_.item_steps; ++step) {
    chosen.push_back(draw_places(places, settings_.item_states,
                                 {at.seed, "rl/items", at.step, static_cast<std::uint64_t>(step)}));
    states.push_back(states_before(chosen.back(), start_.state));
  }
  std::vector<SlotStates> slots = reference_.read(policy_, current, states);
  double reward = 0, reference_reward = 0, kl = 0, entropy = 0, norm = 0, skipped = 0;
  for (std::size_t step = 0; step < chosen.size(); ++step) {
    Batch batch = make_batch(chosen[step], states[step], std::move(slots[step]), at.seed);
    batch.states.policy.items = policy_.item_tables(embeddings);
    const torch::Tensor log_probs = at::log_softmax(policy_.logits(batch.states.policy), 1);
    ItemSlotOptions options{imitates_ ? 0 : kl_.beta(), settings_.item_reward_clip,
                            imitates_ ? 1 : settings_.item_cross_entropy};
    const auto loss_at = [&] {
      return item_slot_loss(log_probs, batch.states.reference, batch.rewards, batch.targets,
                            options);
    };
    ItemSlotLoss loss = loss_at();
    // Imitation has no price of KL until it nears the end of the budget.
    const bool has_room =
        settings_.item_kl_target <= 0 || loss.kl <= kGuarded * settings_.item_kl_target;
    const double price = imitates_ && has_room ? 0 : kl_.guarded_beta(loss.kl, kGuarded);
    if (price != options.beta) {
      options.beta = price;
      loss = loss_at();
    }
    if (at.step == 1 && step == 0)
      base::check(std::abs(loss.kl) < 1e-6,
                  "rl: the item slot differs from its reference before the first update");
    base::check(std::isfinite(loss.kl), "rl: the KL of the item slot is not finite");
    loss.loss.backward();
    const double step_norm = optimiser_.step(learning_rate, settings_.clip_gradient);
    skipped += !std::isfinite(step_norm);
    norm += std::isfinite(step_norm) ? step_norm : 0;
    kl_.update(loss.kl, settings_.item_states);
    reward += loss.reward;
    reference_reward += loss.reference_reward;
    kl += loss.kl;
    entropy += loss.entropy;
  }
  const double n = std::max(settings_.item_steps, 1);
  last_kl_ = kl / n;
  return {{"item/reward", reward / n},
          {"item/reference_reward", reference_reward / n},
          {"item/kl", kl / n},
          {"item/entropy", entropy / n},
          {"item/beta", kl_.beta()},
          {"item/grad_norm", norm / n},
          {"item/steps_skipped", skipped}};
}

double ItemTrainer::measure_kl(const model::Weights& current, const std::vector<Place>& places,
                               const base::RandomPlace& at) const {
  torch::NoGradGuard no_grad;
  const auto drawn = draw_places(places, settings_.item_states, at);
  SlotStates states =
      reference_.read(policy_, current, {states_before(drawn, start_.state)}).front();
  states.policy.items = policy_.item_tables(recommend::item_embeddings(current, start_.tokens));
  return exact_kl(at::log_softmax(policy_.logits(states.policy), 1), states.reference)
      .mean()
      .item<double>();
}

void ItemTrainer::save(model::Checkpoint& checkpoint) const {
  optimiser_.save(checkpoint.tensors, "item_optimiser.");
  checkpoint.state["item_beta"] = kl_.beta();
  checkpoint.state["item_kl"] = last_kl_;
}

void ItemTrainer::load(const model::Checkpoint& checkpoint) {
  optimiser_.load(checkpoint.tensors, "item_optimiser.");
  kl_.restore(checkpoint.state.at("item_beta"));
  last_kl_ = checkpoint.state.at("item_kl");
}

}  // namespace rl
