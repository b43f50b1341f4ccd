#include "recommend/train_ranker.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/format.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "base/run_log.h"
#include "recommend/language_states.h"
#include "train/adamw.h"

namespace recommend {
namespace {

constexpr int kPartSteps = 40;

// Who learns at which rate.
enum class Rate { count, bag, language, none };

Rate rate_of(const std::string& name) {
  if (name.starts_with("parts.") || name.starts_with("copy.")) return Rate::none;  // fitted later
  if (name.starts_with("language.") && name != "language.gate") return Rate::language;
  if (name.starts_with("members.") && name.find("_weights") == std::string::npos) return Rate::bag;
  return Rate::count;
}

// The targets of a batch as a weighted log-likelihood over new items: (row, item, weight).
struct Targets {
  std::vector<std::int64_t> rows, items;
  std::vector<float> weights;
};

Targets new_targets(const std::vector<const RankExample*>& batch, double seeker_weight) {
  Targets targets;
  for (std::size_t b = 0; b < batch.size(); ++b)
    for (int item : batch[b]->targets) {
      if (batch[b]->context.names(item)) continue;  // the copy model's
      targets.rows.push_back(static_cast<std::int64_t>(b));
      targets.items.push_back(item);
      targets.weights.push_back(
          batch[b]->role == dialogue::Role::recommender ? 1.f : static_cast<float>(seeker_weight));
    }
  return targets;
}

// Of each target, over new items. [targets]
torch::Tensor log_likelihood(const torch::Tensor& logits, const Targets& targets) {
  return at::log_softmax(logits, 1).index(
      {torch::tensor(targets.rows, torch::kInt64), torch::tensor(targets.items, torch::kInt64)});
}

// Of all examples.
torch::Tensor hidden_of(const std::vector<RankExample>& examples,
                        const std::vector<const dialogue::Dialogue*>& dialogues,
                        const RankerTraining& training) {
  std::vector<dialogue::State> states;
  for (const RankExample& example : examples)
    states.push_back(dialogue::state_before(*dialogues[static_cast<std::size_t>(example.dialogue)],
                                            static_cast<std::size_t>(example.turn),
                                            training.state));
  return language_hidden(training.language, training.tokens, states);
}

// Contexts some hundred at a time, with what each part makes of them: [3, B, N], counted, bag and
// language; zeros where the ranker has no such part.
torch::Tensor three_parts(const Ranker& ranker, const RankBatch& batch) {
  const std::vector<torch::Tensor> parts = ranker.part_logits(batch);
  std::vector<torch::Tensor> three(3, torch::zeros_like(parts.front()));
  std::size_t next = 0;
  if (ranker.counts_anything()) three[0] = parts[next++];
  if (ranker.has_term("bag")) {
    const auto members = static_cast<std::size_t>(ranker.settings().members);
    const auto first = parts.begin() + static_cast<std::ptrdiff_t>(next);
    three[1] =
        at::stack(std::vector<torch::Tensor>(first, first + static_cast<std::ptrdiff_t>(members)))
            .mean(0);
    next += members;
  }
  if (ranker.uses_language()) three[2] = parts[next];
  return at::stack(three);
}

struct PartBatch {
  torch::Tensor parts;  // [3, B, N]
  Targets targets;
};

// What the recommender named anew in dialogues that no part has learned from.
std::vector<PartBatch> part_batches(const Ranker& ranker, const RankerTraining& training,
                                    const torch::Tensor& embeddings) {
  torch::NoGradGuard no_grad;
  std::vector<RankExample> examples =
      rank_examples(training.validation, ranker.words(), ranker.tables().entities, training.state);
  std::erase_if(examples, [](const RankExample& example) {
    return example.role != dialogue::Role::recommender;
  });
  torch::Tensor hidden;
  if (ranker.uses_language()) hidden = hidden_of(examples, training.validation, training);
  const ItemTables items = ranker.item_tables(embeddings);
  std::vector<PartBatch> batches;
  for (std::size_t begin = 0; begin < examples.size(); begin += 256) {
    const std::size_t end = std::min(examples.size(), begin + 256);
    RankBatch batch;
    batch.items = items;
    std::vector<const RankExample*> chosen;
    for (std::size_t i = begin; i < end; ++i) {
      chosen.push_back(&examples[i]);
      batch.contexts.push_back(examples[i].context);
    }
    if (hidden.defined())
      batch.language_hidden = hidden.narrow(0, static_cast<std::int64_t>(begin),
                                            static_cast<std::int64_t>(end - begin));
    Targets targets = new_targets(chosen, 1);
    if (!targets.rows.empty()) batches.push_back({three_parts(ranker, batch), std::move(targets)});
  }
  return batches;
}

// Fits the weights of the parts on the validation dialogues: the likelihood by gradient ascent,
// three numbers.
void fit_part_weights(Ranker& ranker, const RankerTraining& training,
                      const torch::Tensor& embeddings) {
  const std::vector<PartBatch> batches = part_batches(ranker, training, embeddings);
  if (batches.empty()) return;
  double count = 0;
  for (const PartBatch& batch : batches) count += static_cast<double>(batch.targets.rows.size());
  const torch::Tensor weights = ranker.part_weights();
  train::AdamW optimiser({weights}, {.beta2 = .999, .weight_decay = 0});
  for (int step = 0; step < kPartSteps; ++step) {
    for (const auto& [parts, targets] : batches)
      (-log_likelihood(at::einsum("p,pbn->bn", {weights, parts}), targets).sum() / count)
          .backward();
    optimiser.step(.03 * train::cosine_schedule(step + 1, 3, kPartSteps), 0);
  }
}

// The parts side by side, each by itself, over all examples in an order that is a function of the
// seed.
class Trainer {
 public:
  Trainer(const RankerTraining& training, Ranker& ranker, const std::vector<RankExample>& examples,
          const torch::Tensor& embeddings)
      : training_(training),
        ranker_(ranker),
        settings_(ranker.settings()),
        examples_(examples),
        own_(count_each(training.dialogues, ranker.words())),
        embeddings_(embeddings),
        counts_(group(Rate::count), {.beta2 = .999, .weight_decay = 0}),
        bag_(group(Rate::bag), {.beta2 = .999, .weight_decay = settings_.weight_decay}),
        language_(group(Rate::language), {.beta2 = .999, .weight_decay = settings_.weight_decay}) {
    if (!ranker.uses_language()) return;
    training.console.line(
        base::concatenate("ranker  reading ", examples.size(), " states with the language model"));
    hidden_ = hidden_of(examples, training.dialogues, training);
  }

  void run() {
    const auto batch_size = static_cast<std::size_t>(settings_.batch);
    const auto steps_an_epoch =
        static_cast<std::int64_t>((examples_.size() + batch_size - 1) / batch_size);
    total_ = steps_an_epoch * settings_.epochs;
    base::RunLog log(training_.folder);
    base::Progress progress(training_.console, "ranker", total_);
    std::vector<std::size_t> order(examples_.size());
    for (int epoch = 0; epoch < settings_.epochs; ++epoch) {
      std::iota(order.begin(), order.end(), std::size_t{0});
      base::Random({.seed = training_.seed,
                    .stage = "ranker/order",
                    .step = static_cast<std::uint64_t>(epoch)})
          .shuffle(order);
      for (std::size_t begin = 0; begin < order.size(); begin += batch_size) {
        base::stop_if_interrupted();
        step_ += 1;
        const std::size_t end = std::min(order.size(), begin + batch_size);
        const auto [loss, norm] = take_step({order.begin() + static_cast<std::ptrdiff_t>(begin),
                                             order.begin() + static_cast<std::ptrdiff_t>(end)});
        log.write(step_, {{"loss", loss}, {"grad_norm", norm}, {"epoch", epoch + 1}});
        progress.advance(1, "loss " + base::fixed(loss, 3));
      }
    }
    progress.finish();
  }

 private:
  struct Step {
    double loss = 0, norm = 0;  // nats a target and part; of the bag networks' gradient
  };

  std::vector<torch::Tensor> group(Rate rate) const {
    std::vector<torch::Tensor> tensors;
    for (const std::string& name : ranker_.parameters().names())
      if (rate_of(name) == rate) tensors.push_back(ranker_.parameters().at(name));
    return tensors;
  }

  Step take_step(const std::vector<std::size_t>& chosen) {
    std::vector<const RankExample*> examples;
    RankBatch batch;
    for (std::size_t i : chosen) {
      examples.push_back(&examples_[i]);
      batch.contexts.push_back(examples_[i].context);
      batch.speakers.push_back(examples_[i].role);
      batch.without.push_back(&own_[static_cast<std::size_t>(examples_[i].dialogue)]);
    }
    const Targets targets = new_targets(examples, settings_.seeker_weight);
    if (targets.rows.empty()) return {};
    if (hidden_.defined())
      batch.language_hidden = hidden_.index_select(
          0, torch::tensor(std::vector<std::int64_t>(chosen.begin(), chosen.end()), torch::kInt64));
    batch.items = ranker_.item_tables(embeddings_);
    batch.training = true;
    batch.key = base::random_key(
        {.seed = training_.seed, .stage = "ranker", .step = static_cast<std::uint64_t>(step_)});
    const torch::Tensor weights = torch::tensor(targets.weights);
    torch::Tensor loss = torch::zeros({});
    const std::vector<torch::Tensor> parts = ranker_.part_logits(batch);
    for (const torch::Tensor& logits : parts)
      loss = loss - (log_likelihood(logits, targets) * weights).sum();
    loss = loss / weights.sum();
    loss.backward();
    const double schedule = train::cosine_schedule(step_, total_ / 20, total_);
    counts_.step(settings_.count_learning_rate * schedule, 1);
    language_.step(settings_.language_learning_rate * schedule, 1);
    const double norm = bag_.step(settings_.learning_rate * schedule, 1);
    return {loss.item<double>() / static_cast<double>(parts.size()), norm};
  }

  const RankerTraining& training_;
  Ranker& ranker_;
  const RankerSettings& settings_;
  const std::vector<RankExample>& examples_;
  std::vector<DialogueCounts> own_;
  torch::Tensor embeddings_, hidden_;
  train::AdamW counts_, bag_, language_;
  std::int64_t step_ = 0, total_ = 0;
};

}  // namespace

Ranker train_ranker(const RankerSettings& settings, const RankerTraining& training) {
  Entities entities(training.catalogue);
  WordTable words = word_table(settings, training.dialogues, entities);
  const std::vector<RankExample> examples =
      rank_examples(training.dialogues, words, entities, training.state);
  if (examples.empty())
    throw base::Error(base::ErrorKind::data,
                      "no training dialogue names an item after its first turn");
  Counts counts(training.dialogues, words, training.catalogue.size());
  Neighbours neighbours(examples, words.size());
  Ranker ranker(settings,
                make_tables(std::move(words), std::move(entities), std::move(counts),
                            std::move(neighbours), training.catalogue),
                training.language.config.width, training.seed);
  const torch::Tensor embeddings = item_embeddings(training.language, training.tokens);
  Trainer(training, ranker, examples, embeddings).run();
  fit_part_weights(ranker, training, embeddings);
  if (!ranker.has_term("copy")) return ranker;
  std::vector<RankExample> recommended;
  for (const RankExample& example : examples)
    if (example.role == dialogue::Role::recommender) recommended.push_back(example);
  CopyModel::fit(recommended, ranker.parameters());
  return ranker;
}

}  // namespace recommend
