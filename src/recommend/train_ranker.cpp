#include "recommend/train_ranker.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "base/error.h"
#include "base/format.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "base/run_log.h"
#include "train/adamw.h"

namespace recommend {
namespace {

constexpr std::size_t kPromptBatch = 4096;  // tokens
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

// Of all examples, some hundred at a time.
torch::Tensor hidden_of(const std::vector<RankExample>& examples,
                        const std::vector<const dialogue::Dialogue*>& dialogues,
                        const RankerTraining& training) {
  std::vector<torch::Tensor> parts;
  for (std::size_t begin = 0; begin < examples.size(); begin += 512) {
    std::vector<dialogue::State> states;
    for (std::size_t i = begin; i < std::min(examples.size(), begin + 512); ++i)
      states.push_back(
          dialogue::state_before(*dialogues[static_cast<std::size_t>(examples[i].dialogue)],
                                 static_cast<std::size_t>(examples[i].turn), training.state));
    parts.push_back(language_hidden(training.language, training.tokens, states));
  }
  return at::cat(parts);
}

// Fits the weights of the parts to the recommender's new items in dialogues that no part has
// learned from: the likelihood by gradient ascent, three numbers.
void fit_part_weights(Ranker& ranker, const RankerTraining& training,
                      const torch::Tensor& embeddings) {
  std::vector<RankExample> examples =
      rank_examples(training.validation, ranker.words(), ranker.tables().entities, training.state);
  std::erase_if(examples, [](const RankExample& example) {
    return example.role != dialogue::Role::recommender;
  });
  if (examples.empty()) return;
  torch::Tensor hidden;
  if (ranker.uses_language()) hidden = hidden_of(examples, training.validation, training);
  const bool counted = ranker.counts_anything();
  const bool bag = ranker.has_term("bag");
  // Log-sum-exp needs all items, so each batch keeps its parts: [parts, B, N].
  std::vector<torch::Tensor> batches;
  std::vector<Targets> targets;
  for (std::size_t begin = 0; begin < examples.size(); begin += 256) {
    torch::NoGradGuard no_grad;
    const std::size_t end = std::min(examples.size(), begin + 256);
    RankBatch batch;
    std::vector<const RankExample*> chosen;
    for (std::size_t i = begin; i < end; ++i) {
      chosen.push_back(&examples[i]);
      batch.contexts.push_back(examples[i].context);
    }
    if (hidden.defined())
      batch.language_hidden = hidden.narrow(0, static_cast<std::int64_t>(begin),
                                            static_cast<std::int64_t>(end - begin));
    batch.item_embeddings = embeddings;
    const std::vector<torch::Tensor> parts = ranker.part_logits(batch);
    const torch::Tensor nothing = torch::zeros_like(parts.front());
    std::size_t next = 0;
    std::vector<torch::Tensor> three(3, nothing);
    if (counted) three[0] = parts[next++];
    if (bag) {
      torch::Tensor sum = parts[next++];
      for (int member = 1; member < ranker.settings().members; ++member) sum = sum + parts[next++];
      three[1] = sum / static_cast<double>(ranker.settings().members);
    }
    if (ranker.uses_language()) three[2] = parts[next++];
    batches.push_back(at::stack(three));
    targets.push_back(new_targets(chosen, 1));
  }
  const torch::Tensor weights = ranker.part_weights();
  train::AdamW optimiser({weights}, {.beta2 = .999, .weight_decay = 0});
  for (int step = 0; step < kPartSteps; ++step) {
    double count = 0;
    for (const Targets& own : targets) count += static_cast<double>(own.rows.size());
    if (count == 0) return;
    for (std::size_t b = 0; b < batches.size(); ++b) {
      if (targets[b].rows.empty()) continue;
      const torch::Tensor logits = at::einsum("p,pbn->bn", {weights, batches[b]});
      const torch::Tensor picked =
          at::log_softmax(logits, 1).index({torch::tensor(targets[b].rows, torch::kInt64),
                                            torch::tensor(targets[b].items, torch::kInt64)});
      (-picked.sum() / count).backward();
    }
    optimiser.step(.03 * train::cosine_schedule(step + 1, 3, kPartSteps), 0);
  }
}

}  // namespace

torch::Tensor language_hidden(const model::Weights& weights, const train::DialogueTokens& tokens,
                              const std::vector<dialogue::State>& states) {
  torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> parts;
  std::vector<std::vector<int>> prompts;
  std::size_t used = 0;
  const auto flush = [&] {
    if (prompts.empty()) return;
    const model::Packed packed = model::pack(prompts);
    std::vector<std::int64_t> last;
    for (std::size_t i = 1; i < packed.bounds.size(); ++i) last.push_back(packed.bounds[i] - 1);
    parts.push_back(model::hidden_states(weights, packed)
                        .index_select(0, torch::tensor(last, torch::kInt64))
                        .to(torch::kFloat32));
    prompts.clear();
    used = 0;
  };
  for (const dialogue::State& state : states) {
    std::vector<int> prompt =
        tokens.encode_prompt(state, static_cast<int>(weights.config.context) - 1);
    prompt.push_back(tokens.special(dialogue::Special::recommend));
    if (used + prompt.size() > kPromptBatch) flush();
    used += prompt.size();
    prompts.push_back(std::move(prompt));
  }
  flush();
  return parts.empty() ? torch::zeros({0, weights.config.width}) : at::cat(parts);
}

torch::Tensor item_embeddings(const model::Weights& weights, const train::DialogueTokens& tokens) {
  return weights.head.detach().narrow(0, tokens.item(0), tokens.items()).to(torch::kFloat32);
}

Ranker train_ranker(const RankerSettings& settings, const RankerTraining& training) {
  WordTable words = word_table(settings, training.dialogues, training.catalogue);
  Counts counts(training.dialogues, words, training.catalogue.size());
  const std::vector<DialogueCounts> own = count_each(training.dialogues, words);
  const std::vector<RankExample> examples =
      rank_examples(training.dialogues, words, Entities(training.catalogue), training.state);
  if (examples.empty())
    throw base::Error(base::ErrorKind::data,
                      "no training dialogue names an item after its first turn");

  Neighbours neighbours(examples, words.size());
  Ranker ranker(
      settings,
      make_tables(std::move(words), std::move(counts), std::move(neighbours), training.catalogue),
      training.language.config.width, training.seed);

  torch::Tensor hidden, embeddings;
  if (ranker.uses_language()) {
    training.console.line(
        base::concatenate("ranker  reading ", examples.size(), " states with the language model"));
    hidden = hidden_of(examples, training.dialogues, training);
    embeddings = item_embeddings(training.language, training.tokens);
  }

  std::map<Rate, std::vector<torch::Tensor>> groups;
  for (const std::string& name : ranker.parameters().names())
    groups[rate_of(name)].push_back(ranker.parameters().at(name));
  train::AdamW counts_optimiser(groups[Rate::count], {.beta2 = .999, .weight_decay = 0}),
      bag_optimiser(groups[Rate::bag], {.beta2 = .999, .weight_decay = settings.weight_decay}),
      language_optimiser(groups[Rate::language],
                         {.beta2 = .999, .weight_decay = settings.weight_decay});

  const auto batch_size = static_cast<std::size_t>(settings.batch);
  const auto steps_an_epoch =
      static_cast<std::int64_t>((examples.size() + batch_size - 1) / batch_size);
  const std::int64_t total = steps_an_epoch * settings.epochs;
  base::RunLog log(training.folder);
  base::Progress progress(training.console, "ranker", total);
  std::vector<std::size_t> order(examples.size());
  std::int64_t step = 0;
  for (int epoch = 0; epoch < settings.epochs; ++epoch) {
    std::iota(order.begin(), order.end(), std::size_t{0});
    base::Random(
        {.seed = training.seed, .stage = "ranker/order", .step = static_cast<std::uint64_t>(epoch)})
        .shuffle(order);
    for (std::size_t begin = 0; begin < order.size(); begin += batch_size) {
      base::stop_if_interrupted();
      std::vector<const RankExample*> chosen;
      std::vector<std::int64_t> rows;
      RankBatch batch;
      for (std::size_t i = begin; i < std::min(order.size(), begin + batch_size); ++i) {
        chosen.push_back(&examples[order[i]]);
        rows.push_back(static_cast<std::int64_t>(order[i]));
        batch.contexts.push_back(chosen.back()->context);
        batch.speakers.push_back(chosen.back()->role);
        batch.without.push_back(&own[static_cast<std::size_t>(chosen.back()->dialogue)]);
      }
      if (hidden.defined())
        batch.language_hidden = hidden.index_select(0, torch::tensor(rows, torch::kInt64));
      batch.item_embeddings = embeddings;
      batch.training = true;
      step += 1;
      batch.key = base::random_key(
          {.seed = training.seed, .stage = "ranker", .step = static_cast<std::uint64_t>(step)});
      const Targets targets = new_targets(chosen, settings.seeker_weight);
      if (targets.rows.empty()) continue;
      const torch::Tensor rows_at = torch::tensor(targets.rows, torch::kInt64),
                          items_at = torch::tensor(targets.items, torch::kInt64),
                          weights = torch::tensor(targets.weights);
      torch::Tensor loss = torch::zeros({});
      const std::vector<torch::Tensor> parts = ranker.part_logits(batch);
      for (const torch::Tensor& logits : parts)
        loss = loss - (at::log_softmax(logits, 1).index({rows_at, items_at}) * weights).sum();
      loss = loss / weights.sum();
      loss.backward();
      const double schedule = train::cosine_schedule(step, total / 20, total);
      counts_optimiser.step(settings.count_learning_rate * schedule, 1);
      language_optimiser.step(settings.language_learning_rate * schedule, 1);
      const double norm = bag_optimiser.step(settings.learning_rate * schedule, 1);
      const double value = loss.item<double>() / static_cast<double>(parts.size());
      log.write(step, {{"loss", value}, {"grad_norm", norm}, {"epoch", epoch + 1}});
      progress.advance(1, "loss " + base::fixed(value, 3));
    }
  }
  progress.finish();
  fit_part_weights(ranker, training, embeddings);
  if (!ranker.has_term("copy")) return ranker;
  std::vector<RankExample> recommended;
  for (const RankExample& example : examples)
    if (example.role == dialogue::Role::recommender) recommended.push_back(example);
  CopyModel::fit(recommended, ranker.parameters());
  return ranker;
}

}  // namespace recommend
