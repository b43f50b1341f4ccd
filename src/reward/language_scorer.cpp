#include "reward/language_scorer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/format.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "model/folder.h"
#include "text/tokenizer_folder.h"
#include "train/adamw.h"

namespace reward {
namespace {

constexpr int kScoreTokens = 4096;  // of a batch that is only scored

using Batches = std::vector<std::vector<std::size_t>>;

// Neighbours in `order` put together, at most `most` tokens a batch.
Batches batches_of(const std::vector<std::vector<int>>& sequences,
                   const std::vector<std::size_t>& order, int most) {
  Batches batches;
  std::size_t tokens = 0;
  for (std::size_t index : order) {
    tokens += sequences[index].size();
    if (batches.empty() || tokens > static_cast<std::size_t>(most)) {
      batches.emplace_back();
      tokens = sequences[index].size();
    }
    batches.back().push_back(index);
  }
  return batches;
}

std::vector<std::size_t> numbers(std::size_t count) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

// [B]: differentiable with respect to weights and head.
torch::Tensor scores_of(const model::Weights& weights, const torch::Tensor& head, int padding,
                        const std::vector<std::vector<int>>& sequences,
                        const std::vector<std::size_t>& batch) {
  std::vector<std::vector<int>> ids;
  std::vector<std::int64_t> rows;
  std::int64_t begin = 0;
  for (std::size_t index : batch) {
    const std::vector<int>& sequence = sequences[index];
    std::size_t last = sequence.size();
    while (last > 0 && sequence[last - 1] == padding) --last;
    base::check(last > 0, "a reward model was given nothing to read");
    rows.push_back(begin + static_cast<std::int64_t>(last) - 1);
    begin += static_cast<std::int64_t>(sequence.size());
    ids.push_back(sequence);
  }
  model::ForwardOptions options;
  options.rows = torch::tensor(rows, torch::kInt64).to(weights.embedding.device());
  const torch::Tensor hidden =
      model::hidden_states(weights, model::pack(ids), options).to(torch::kFloat32);  // [B, C]
  return at::mv(hidden, head[0]);
}

// The sequences with their targets in standard scores, those to learn from and those that say when
// to stop.
struct Lessons {
  std::vector<std::vector<int>> ids;
  std::vector<float> targets;
  std::vector<std::size_t> training, stopping;
  double deviation = 1;

  explicit Lessons(const std::vector<ScoredSequence>& sequences) {
    double mean = 0, squares = 0;
    for (const ScoredSequence& sequence : sequences)
      mean += sequence.target / static_cast<double>(sequences.size());
    for (const ScoredSequence& sequence : sequences)
      squares += (sequence.target - mean) * (sequence.target - mean);
    deviation =
        std::max(1e-6, std::sqrt(squares / std::max(1., static_cast<double>(sequences.size()))));
    for (const ScoredSequence& sequence : sequences) {
      (sequence.stop ? stopping : training).push_back(ids.size());
      ids.push_back(sequence.ids);
      targets.push_back(static_cast<float>((sequence.target - mean) / deviation));
    }
  }

  torch::Tensor targets_of(const std::vector<std::size_t>& batch) const {
    std::vector<float> values;
    for (std::size_t index : batch) values.push_back(targets[index]);
    return torch::tensor(values);
  }

  // One epoch's batches, in an order that is a function of seed and epoch.
  Batches shuffled(int batch_tokens, std::uint64_t seed, int epoch) const {
    std::vector<std::size_t> order = training;
    base::Random random(
        {.seed = seed, .stage = "reward/language", .step = static_cast<std::uint64_t>(epoch)});
    random.shuffle(order);
    return batches_of(ids, order, batch_tokens);
  }
};

}  // namespace

LanguageScorer::LanguageScorer(const model::LanguageModel& language, torch::Tensor head,
                               int padding, torch::Dtype type)
    : language_(model::merged(language)),
      head_(head.detach().to(torch::kFloat32)),
      padding_(padding) {
  torch::NoGradGuard no_grad;
  base::check(head_.dim() == 2 && head_.size(0) == 1 && head_.size(1) == language.config.width,
              "a score's head is ", head_.sizes(), ", expected [1, ", language.config.width, "]");
  weights_ = model::cast(*language_, type);
}

std::vector<double> LanguageScorer::score(const std::vector<std::vector<int>>& sequences) const {
  torch::NoGradGuard no_grad;
  std::vector<double> out(sequences.size());
  std::vector<std::size_t> order = numbers(sequences.size());
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return sequences[a].size() > sequences[b].size();
  });
  for (const std::vector<std::size_t>& batch : batches_of(sequences, order, kScoreTokens)) {
    const torch::Tensor scores =
        scores_of(weights_, head_, padding_, sequences, batch).contiguous();
    for (std::size_t i = 0; i < batch.size(); ++i) out[batch[i]] = scores.data_ptr<float>()[i];
  }
  return out;
}

void LanguageScorer::write(const std::filesystem::path& folder,
                           const text::Tokenizer& tokenizer) const {
  base::check(language_.has_value(), "a language scorer that was read is not written again");
  model::write_scorer(folder, *language_, head_, padding_);
  const std::string end = tokenizer.token_text(padding_);
  text::write_tokenizer(folder, tokenizer, {.end = end, .padding = end});
}

LanguageScorer LanguageScorer::read(const std::filesystem::path& folder, torch::Dtype type) {
  const model::LanguageModel language = model::read_model(folder);
  const std::string where = (folder / "config.json").string();
  const torch::Tensor head = model::read_score_head(folder);
  if (head.sizes() != c10::IntArrayRef({1, language.config.width}))
    throw base::Error(base::ErrorKind::data,
                      base::concatenate(folder.string(), ": tensor score.weight is ", head.sizes(),
                                        ", expected [1, ", language.config.width, "]"));
  LanguageScorer scorer(language, head,
                        base::require<int>(language.config.other, "pad_token_id", where), type);
  scorer.language_.reset();
  return scorer;
}

LanguageScorer train_language_scorer(model::LanguageModel language, int padding,
                                     const std::vector<ScoredSequence>& sequences,
                                     const LanguageScorerSettings& settings, torch::Dtype type,
                                     std::uint64_t seed, base::Console& console) {
  const Lessons lessons(sequences);
  torch::Tensor head = torch::zeros({1, language.config.width}).set_requires_grad(true);
  train::AdamW optimiser(language.trained().tensors(), {.weight_decay = .01});
  train::AdamW head_optimiser({head}, {.weight_decay = 0});
  const auto loss_of = [&](const model::Weights& weights, const std::vector<std::size_t>& batch) {
    return (scores_of(weights, head, padding, lessons.ids, batch) - lessons.targets_of(batch))
        .square();
  };
  const auto stopping_error = [&] {
    torch::NoGradGuard no_grad;
    const model::Weights weights = model::cast(language, type);
    double sum = 0;
    for (const auto& batch : batches_of(lessons.ids, lessons.stopping, kScoreTokens))
      sum += loss_of(weights, batch).sum().item<double>();
    return sum / std::max<double>(1, static_cast<double>(lessons.stopping.size()));
  };
  const auto steps = static_cast<std::int64_t>(
      batches_of(lessons.ids, lessons.training, settings.batch_tokens).size());
  const std::int64_t total = settings.epochs * steps;
  double best = stopping_error();
  model::TensorMap best_weights = language.trained().copy();
  torch::Tensor best_head = head.detach().clone();
  base::Progress progress(console, "reward, language", total, 0);
  std::int64_t step = 0;
  for (int epoch = 0; epoch < settings.epochs; ++epoch) {
    for (const auto& batch : lessons.shuffled(settings.batch_tokens, seed, epoch)) {
      base::stop_if_interrupted();
      step += 1;
      const torch::Tensor loss = loss_of(model::cast(language, type), batch).mean();
      loss.backward();
      const double rate = settings.learning_rate * train::cosine_schedule(step, total / 20, total);
      optimiser.step(rate, 1);
      head_optimiser.step(10 * rate, 1);
      progress.advance(1, "error " + base::fixed(loss.item<double>(), 3));
    }
    const double now = stopping_error();
    console.line(base::concatenate("reward  language scorer, epoch ", epoch + 1, ": squared error ",
                                   base::fixed(now, 4), ", before ", base::fixed(best, 4)));
    if (now >= best) break;
    best = now;
    best_weights = language.trained().copy();
    best_head = head.detach().clone();
  }
  progress.finish();
  language.trained().assign(best_weights, "best weights");
  return {language, best_head * lessons.deviation, padding, type};
}

}  // namespace reward
