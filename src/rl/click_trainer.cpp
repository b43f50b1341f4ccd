#include "rl/click_trainer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/format.h"
#include "recommend/language_states.h"
#include "rl/kl.h"
#include "rl/lesson.h"

namespace rl {
namespace {

constexpr double kMostBalance = 4. / 3;  // of KTO's two sides, by its authors

// A slate may show a single item, so weights are scaled over the batch unless told otherwise.
AlgorithmSettings method_of(const RlSettings& settings) {
  AlgorithmSettings method = settings;
  if (method.weight_scope == "auto") method.weight_scope = "batch";
  return resolved(method);
}

// Whether an algorithm has something to learn from a slate.
bool teaches(const feedback::Slate& slate, Algorithm algorithm) {
  const auto accepted =
      std::count_if(slate.items.begin(), slate.items.end(),
                    [](const feedback::ShownItem& item) { return item.accepted; });
  if (algorithm == Algorithm::sft) return accepted > 0;
  if (algorithm == Algorithm::dpo)
    return accepted > 0 && accepted < static_cast<std::ptrdiff_t>(slate.items.size());
  return true;
}

std::vector<feedback::Slate> those_that_teach(std::vector<feedback::Slate> slates,
                                              Algorithm algorithm) {
  const auto any_accepted = [](const feedback::Slate& slate) {
    return teaches(slate, Algorithm::sft);
  };
  if (std::none_of(slates.begin(), slates.end(), any_accepted))
    throw base::Error(base::ErrorKind::data,
                      "rl.items is \"clicks\", but no training dialogue has an accept event about "
                      "an item that a recommender's turn is the first to name");
  std::erase_if(slates, [&](const feedback::Slate& slate) { return !teaches(slate, algorithm); });
  if (slates.empty())
    throw base::Error(
        base::ErrorKind::data,
        "rl.items is \"clicks\" and rl.algorithm dpo, which learns from pairs, but no "
        "turn shows an item that was taken up beside one that was not; use kto");
  return slates;
}

ShownRows rows_of(const std::vector<const feedback::Slate*>& slates, const RlSettings& settings) {
  std::vector<std::int64_t> states, items, places, accepted;
  for (std::size_t s = 0; s < slates.size(); ++s)
    for (const feedback::ShownItem& shown : slates[s]->items) {
      states.push_back(static_cast<std::int64_t>(s));
      items.push_back(shown.item);
      places.push_back(shown.place);
      accepted.push_back(shown.accepted);
    }
  return {torch::tensor(states, torch::kInt64), torch::tensor(items, torch::kInt64),
          torch::tensor(accepted, torch::kInt64).to(torch::kBool),
          place_weights(torch::tensor(places, torch::kInt64), settings.click_position_bias,
                        settings.weight_cap)};
}

}  // namespace

ClickTrainer::ClickTrainer(recommend::Ranker& policy, const recommend::TrainedModel& start,
                           const model::Weights& reference, std::vector<feedback::Slate> slates,
                           const RlSettings& settings)
    : policy_(policy),
      start_(start),
      reference_(start, reference),
      slates_(those_that_teach(std::move(slates), algorithm_named(settings.algorithm))),
      settings_(settings),
      method_(method_of(settings)),
      optimiser_(policy.parameters().tensors(),
                 {.beta2 = .999, .epsilon = 1e-5, .weight_decay = 0}) {}

// KTO moves an item by how much more often it was taken up than its two weights make even. Where
// most of what is shown is declined, equal weights push down whatever was shown, for the sake of
// what never was.
std::vector<std::string> ClickTrainer::describe() const {
  std::vector<const feedback::Slate*> all;
  for (const feedback::Slate& slate : slates_) all.push_back(&slate);
  const ShownRows shown = rows_of(all, settings_);
  const double taken = shown.accepted.to(torch::kFloat32).mean().item<double>();
  std::vector<std::string> lines = {
      base::concatenate(shown.items.size(0), " items shown in ", slates_.size(),
                        " turns, of which ", base::fixed(100 * taken, 1), " % were taken up")};
  const double liked = (shown.accepted * shown.weights).mean().item<double>();
  if (method_.algorithm != "kto" || liked >= 1) return lines;
  const double even = method_.undesirable_weight * (1 - liked) / liked,
               balance = method_.desirable_weight / even;
  lines.push_back(base::concatenate("what was taken up weighs ", base::fixed(balance, 2),
                                    " times what was not"));
  if (balance < 1 || balance > kMostBalance)
    lines.back() +=
        base::concatenate(", expected 1 to ", base::fixed(kMostBalance, 2),
                          ": rl.desirable_weight=", base::fixed(even, 2), " makes it even");
  return lines;
}

std::vector<const feedback::Slate*> ClickTrainer::draw_slates(const base::RandomPlace& at) const {
  base::Random random(at);
  std::vector<const feedback::Slate*> chosen;
  for (int i = 0; i < settings_.item_states; ++i)
    chosen.push_back(&slates_[random.below(slates_.size())]);
  return chosen;
}

std::vector<dialogue::State> ClickTrainer::states_of(
    const std::vector<const feedback::Slate*>& chosen) const {
  std::vector<dialogue::State> states;
  for (const feedback::Slate* slate : chosen)
    states.push_back(dialogue::state_before(*slate->dialogue, slate->turn, start_.state));
  return states;
}

ClickTrainer::Distance ClickTrainer::measure(const model::Weights& current,
                                             const base::RandomPlace& at) const {
  torch::NoGradGuard no_grad;
  SlotStates states = reference_.read(policy_, current, {states_of(draw_slates(at))}).front();
  states.policy.items = policy_.item_tables(recommend::item_embeddings(current, start_.tokens));
  const torch::Tensor log_probs = at::log_softmax(policy_.logits(states.policy), 1);
  return {exact_kl(log_probs, states.reference).mean().item<double>(),
          -(log_probs.exp() * log_probs).sum(1).mean().item<double>()};
}

base::Metrics ClickTrainer::update(const model::Weights& current, double learning_rate,
                                   const base::RandomPlace& at) {
  const torch::Tensor embeddings = recommend::item_embeddings(current, start_.tokens);
  const model::TensorMap before = policy_.parameters().copy();
  std::vector<std::vector<const feedback::Slate*>> chosen;  // by step
  std::vector<std::vector<dialogue::State>> before_slates;
  for (int step = 0; step < settings_.item_steps; ++step) {
    chosen.push_back(
        draw_slates({at.seed, "rl/clicks", at.step, static_cast<std::uint64_t>(step)}));
    before_slates.push_back(states_of(chosen.back()));
  }
  std::vector<SlotStates> slots = reference_.read(policy_, current, before_slates);
  double total = 0, margin = 0, accuracy = 0, norm = 0, skipped = 0;
  for (std::size_t step = 0; step < chosen.size(); ++step) {
    SlotStates& states = slots[step];
    states.policy.items = policy_.item_tables(embeddings);
    const torch::Tensor log_probs = at::log_softmax(policy_.logits(states.policy), 1);
    if (at.step == 1 && step == 0)
      base::check(exact_kl(log_probs.detach(), states.reference).mean().item<double>() < 1e-6,
                  "rl: the item slot differs from its reference before the first update");
    const ClickLoss loss =
        click_loss(log_probs, states.reference, rows_of(chosen[step], settings_), method_);
    loss.loss.backward();
    const double step_norm = optimiser_.step(step_share_ * learning_rate, settings_.clip_gradient);
    skipped += !std::isfinite(step_norm);
    norm += std::isfinite(step_norm) ? step_norm : 0;
    total += loss.loss.item<double>();
    margin += loss.margin;
    accuracy += loss.accuracy;
  }
  const Distance now = measure(current, {at.seed, "rl/clicks measured", at.step});
  base::check(std::isfinite(now.kl), "rl: the KL of the item slot is not finite");
  const bool too_far = settings_.item_kl_target > 0 && now.kl > settings_.item_kl_target;
  if (too_far) {
    policy_.parameters().assign(before, "rl");
    step_share_ /= 2;
  } else {
    last_kl_ = now.kl;
  }
  const double n = std::max(settings_.item_steps, 1);
  base::Metrics metrics = {{"item/loss", total / n},        {"item/kl", last_kl_},
                           {"item/entropy", now.entropy},   {"item/grad_norm", norm / n},
                           {"item/steps_skipped", skipped}, {"item/taken_back", too_far},
                           {"item/step_share", step_share_}};
  if (!imitates(algorithm_named(method_.algorithm)))
    metrics.insert(metrics.end(), {{"item/margin", margin / n}, {"item/accuracy", accuracy / n}});
  return metrics;
}

void ClickTrainer::save(model::Checkpoint& checkpoint) const {
  optimiser_.save(checkpoint.tensors, "item_optimiser.");
  checkpoint.state["item_step_share"] = step_share_;
  checkpoint.state["item_kl"] = last_kl_;
}

void ClickTrainer::load(const model::Checkpoint& checkpoint) {
  optimiser_.load(checkpoint.tensors, "item_optimiser.");
  step_share_ = checkpoint.state.at("item_step_share");
  last_kl_ = checkpoint.state.at("item_kl");
}

}  // namespace rl
