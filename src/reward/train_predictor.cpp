#include "reward/train_predictor.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/format.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "recommend/bag_term.h"
#include "train/adamw.h"

namespace reward {
namespace {

constexpr std::size_t kBatch = 512;
constexpr double kStopping = .1;  // of the dialogues that may be looked at
constexpr int kPatience = 3;      // epochs

// What a batch of outcomes is predicted from and compared with.
struct Batch {
  std::vector<recommend::RankContext> states;
  std::vector<const std::vector<int>*> words;  // of each item
  torch::Tensor items;                         // [B] int64
  torch::Tensor facts;                         // [B, kItemFeatures], each without its own outcome
  torch::Tensor targets, weights;              // [B, heads]
};

torch::Tensor predict_pairs(const Batch& batch, const ItemWords& words,
                            const model::ParameterSet& p, double dropout, std::uint64_t key) {
  const EncodedStates state = encode_states(batch.states, p, dropout, key);
  const torch::Tensor v = item_vectors(p, words).index_select(0, batch.items);  // [B, d]
  const double scale = 1 / std::sqrt(static_cast<double>(v.size(1)));
  return at::bmm(state.u, v.unsqueeze(2)).squeeze(2) * scale +
         at::mm(batch.facts, p.at("facts.weight").t()) + state.c +
         match_pairs(batch.states, batch.words, p);
}

torch::Tensor loss_of(const torch::Tensor& scores, const Batch& batch) {
  std::vector<torch::Tensor> sums;
  for (std::int64_t k = 0; k < kHeads; ++k) {
    const torch::Tensor z = scores.select(1, k), y = batch.targets.select(1, k),
                        w = batch.weights.select(1, k);
    const torch::Tensor loss =
        is_probability(static_cast<Head>(k))
            ? at::binary_cross_entropy_with_logits(z, y, {}, {}, at::Reduction::None)
            : .5 * (z - y).square();
    sums.push_back((loss * w).sum() / w.sum().clamp_min(1));
  }
  return at::stack(sums).sum();
}

enum class OwnOutcome { counted, left_out };  // of the item's facts

class Trainer {
 public:
  Trainer(const PredictorSettings& settings, const PredictorTraining& training)
      : settings_(settings), training_(training), words_(side_by_side(training.item_words)) {
    base::check(training.outcomes.size() == training.states.size(),
                "train_predictor: ", training.outcomes.size(), " outcomes, ",
                training.states.size(), " states");
    const std::vector<bool> decides = choose_stopping();
    std::vector<Outcome> known;
    for (std::size_t i = 0; i < training.outcomes.size(); ++i) {
      const auto dialogue = static_cast<std::size_t>(training.outcomes[i].dialogue);
      if (training.held_out[dialogue]) continue;
      (decides[dialogue] ? stopping_ : learning_).push_back(i);
      if (!decides[dialogue]) known.push_back(training.outcomes[i]);
    }
    if (learning_.empty())
      throw base::Error(base::ErrorKind::data,
                        "too few recommendations with a reply to learn a reward from; there must "
                        "be two dialogues that have one beside the tenth that is held out");
    // As Counts has it: the last of the dialogues that were counted.
    recent_.resize(training.held_out.size());
    std::size_t left = recommend::kRecentDialogues;
    for (std::size_t d = recent_.size(); d > 0 && left > 0; --d)
      if (!training.held_out[d - 1]) {
        recent_[d - 1] = true;
        --left;
      }
    facts_ = count_items(known, training.counts.items());
    features_ = std::make_unique<ItemFeatures>(facts_, training.counts);
  }

  Predictor train() const {
    const int items = training_.counts.items();
    torch::Tensor facts = torch::zeros({items, kItemFeatures});
    for (int i = 0; i < items; ++i)
      features_->fill(facts.data_ptr<float>() + std::int64_t{i} * kItemFeatures, i);
    const torch::Tensor embeddings =
        recommend::embed_by_counts(training_.counts, settings_.width, training_.seed);
    std::vector<model::ParameterSet> members;
    for (int member = 0; member < settings_.members; ++member) {
      const std::uint64_t seed = base::random_key(
          {.seed = training_.seed, .stage = "reward", .step = static_cast<std::uint64_t>(member)});
      members.push_back(start_member(embeddings, items, seed));
      const Best best = train_member(members.back(), seed);
      training_.console.line(base::concatenate(
          "reward  predictor ", member + 1, " of ", settings_.members, ": loss ",
          base::fixed(best.loss, 4), " on dialogues apart after ", best.epoch + 1, " epochs"));
    }
    return {std::move(members), facts, words_};
  }

 private:
  struct Best {
    double loss = INFINITY;
    int epoch = 0;
    model::TensorMap weights;
  };

  // Which dialogues decide when to stop: a tenth, one at least.
  std::vector<bool> choose_stopping() const {
    std::vector<bool> decides(training_.held_out.size());
    std::optional<std::size_t> first;
    bool any = false;
    for (const Outcome& outcome : training_.outcomes) {
      const auto dialogue = static_cast<std::size_t>(outcome.dialogue);
      if (training_.held_out[dialogue]) continue;
      if (!first) first = dialogue;
      decides[dialogue] =
          base::Random({.seed = training_.seed, .stage = "reward/stopping", .step = dialogue})
              .chance(kStopping);
      any = any || decides[dialogue];
    }
    if (!any && first) decides[*first] = true;
    return decides;
  }

  Batch make_batch(const std::vector<std::size_t>& chosen, OwnOutcome own) const {
    const auto n = static_cast<std::int64_t>(chosen.size());
    Batch batch{{},
                {},
                torch::empty({n}, torch::kInt64),
                torch::empty({n, kItemFeatures}),
                torch::empty({n, kHeads}),
                torch::empty({n, kHeads})};
    for (std::int64_t b = 0; b < n; ++b) {
      const std::size_t i = chosen[static_cast<std::size_t>(b)];
      const Outcome& outcome = training_.outcomes[i];
      batch.states.push_back(training_.states[i]);
      batch.words.push_back(&training_.item_words[static_cast<std::size_t>(outcome.item)]);
      batch.items.data_ptr<std::int64_t>()[b] = outcome.item;
      std::optional<ItemFeatures::Without> without;
      if (own == OwnOutcome::left_out)
        without.emplace(outcome, recent_[static_cast<std::size_t>(outcome.dialogue)]);
      features_->fill(batch.facts.data_ptr<float>() + b * kItemFeatures, outcome.item, without);
      for (std::int64_t k = 0; k < kHeads; ++k) {
        batch.targets.data_ptr<float>()[b * kHeads + k] =
            static_cast<float>(outcome.targets[static_cast<std::size_t>(k)]);
        batch.weights.data_ptr<float>()[b * kHeads + k] =
            static_cast<float>(outcome.weights[static_cast<std::size_t>(k)]);
      }
    }
    return batch;
  }

  // Trains a member in place and leaves it at its best.
  Best train_member(model::ParameterSet& p, std::uint64_t seed) const {
    const Batch stopping = make_batch(stopping_, OwnOutcome::counted);
    train::AdamW optimiser(p.tensors(), {.beta2 = .999, .weight_decay = settings_.weight_decay});
    const auto steps = static_cast<std::int64_t>((learning_.size() + kBatch - 1) / kBatch);
    std::vector<std::size_t> order = learning_;
    std::int64_t done = 0;
    Best best;
    for (int epoch = 0; epoch < settings_.epochs && epoch - best.epoch <= kPatience; ++epoch) {
      base::Random({.seed = seed, .stage = "order", .step = static_cast<std::uint64_t>(epoch)})
          .shuffle(order);
      for (std::size_t begin = 0; begin < order.size(); begin += kBatch) {
        base::stop_if_interrupted();
        const std::vector<std::size_t> chosen(
            order.begin() + static_cast<std::ptrdiff_t>(begin),
            order.begin() + static_cast<std::ptrdiff_t>(std::min(begin + kBatch, order.size())));
        const Batch batch = make_batch(chosen, OwnOutcome::left_out);
        const std::uint64_t key = base::random_key(
            {.seed = seed, .stage = "dropout", .step = static_cast<std::uint64_t>(done)});
        loss_of(predict_pairs(batch, words_, p, settings_.dropout, key), batch).backward();
        done += 1;
        optimiser.step(settings_.learning_rate *
                           train::cosine_schedule(done, steps / 2 + 1, steps * settings_.epochs),
                       1);
      }
      torch::NoGradGuard no_grad;
      const double loss =
          loss_of(predict_pairs(stopping, words_, p, 0, 0), stopping).item<double>();
      if (loss < best.loss) best = {loss, epoch, p.copy()};
    }
    p.assign(best.weights, "predictor");
    return best;
  }

  const PredictorSettings& settings_;
  const PredictorTraining& training_;
  ItemWords words_;
  std::vector<std::size_t> learning_, stopping_;  // outcomes
  std::vector<bool> recent_;                      // dialogues
  ItemFacts facts_;
  std::unique_ptr<ItemFeatures> features_;
};

}  // namespace

std::vector<std::vector<int>> words_of_items(const dialogue::Catalogue& catalogue,
                                             const recommend::WordTable& words) {
  std::vector<std::vector<int>> out;
  for (const dialogue::Item& item : catalogue.items()) {
    dialogue::Turn text;
    text.text = item.title;
    for (const auto& [name, values] : item.attributes)
      for (const std::string& value : values) text.text += " " + value;
    out.push_back(words.numbers(text));
  }
  return out;
}

Predictor train_predictor(const PredictorSettings& settings, const PredictorTraining& training) {
  return Trainer(settings, training).train();
}

}  // namespace reward
