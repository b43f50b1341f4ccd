#include "recommend/train_ranker.h"

#include <algorithm>
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

bool is_gate(const std::string& name) {
  return name.rfind("gates.", 0) == 0 || name == "language.gate";
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
  WordTable words = word_table(settings, training.dialogues);
  Counts counts(training.dialogues, words, training.tokens.items());
  Ranker ranker(settings, words, std::move(counts), training.language.config.width, training.seed);
  const std::vector<DialogueCounts> own = count_each(training.dialogues, words);
  const std::vector<RankExample> examples =
      rank_examples(training.dialogues, words, training.state);
  if (examples.empty())
    throw base::Error(base::ErrorKind::data,
                      "no training dialogue names an item after its first turn");

  torch::Tensor hidden, embeddings;
  if (ranker.uses_language()) {
    training.console.line(
        base::concatenate("ranker  reading ", examples.size(), " states with the language model"));
    std::vector<torch::Tensor> parts;
    for (std::size_t begin = 0; begin < examples.size(); begin += 512) {
      std::vector<dialogue::State> states;
      for (std::size_t i = begin; i < std::min(examples.size(), begin + 512); ++i)
        states.push_back(dialogue::state_before(
            *training.dialogues[static_cast<std::size_t>(examples[i].dialogue)],
            static_cast<std::size_t>(examples[i].turn), training.state));
      parts.push_back(language_hidden(training.language, training.tokens, states));
    }
    hidden = at::cat(parts);
    embeddings = item_embeddings(training.language, training.tokens);
  }

  std::vector<torch::Tensor> networks, gates;
  for (const std::string& name : ranker.parameters().names())
    (is_gate(name) ? gates : networks).push_back(ranker.parameters().at(name));
  train::AdamW optimiser(networks, {.beta2 = .999, .weight_decay = settings.weight_decay});
  train::AdamW gate_optimiser(gates, {.beta2 = .999, .weight_decay = 0});

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
      const torch::Tensor log_probs = at::log_softmax(ranker.logits(batch), 1);
      const torch::Tensor picked = log_probs.index({torch::tensor(targets.rows, torch::kInt64),
                                                    torch::tensor(targets.items, torch::kInt64)});
      const torch::Tensor weights = torch::tensor(targets.weights);
      const torch::Tensor loss = -(picked * weights).sum() / weights.sum();
      loss.backward();
      const double schedule = train::cosine_schedule(step, total / 20, total);
      const double norm = optimiser.step(settings.learning_rate * schedule, 1);
      gate_optimiser.step(settings.gate_learning_rate * schedule, 1);
      const double value = loss.item<double>();
      log.write(step, {{"loss", value}, {"grad_norm", norm}, {"epoch", epoch + 1}});
      progress.advance(1, "loss " + base::fixed(value, 3));
    }
  }
  progress.finish();
  std::vector<RankExample> recommended;
  for (const RankExample& example : examples)
    if (example.role == dialogue::Role::recommender) recommended.push_back(example);
  CopyModel::fit(recommended, ranker.parameters());
  return ranker;
}

}  // namespace recommend
