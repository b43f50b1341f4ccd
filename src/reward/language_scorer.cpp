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
  const torch::Tensor hidden = model::hidden_states(weights, model::pack(ids))
                                   .index_select(0, torch::tensor(rows))
                                   .to(torch::kFloat32);  // [B, C]
  return at::mv(hidden, head[0]);
}

}  // namespace

LanguageScorer::LanguageScorer(const model::LanguageModel& language, torch::Tensor head,
                               int padding, torch::Dtype type)
    : language_(model::merged(language)),
      head_(head.detach().to(torch::kFloat32)),
      padding_(padding) {
  torch::NoGradGuard no_grad;
  base::check(head_.dim() == 2 && head_.size(0) == 1 && head_.size(1) == language_.config.width,
              "a score's head is ", head_.sizes(), ", expected [1, ", language_.config.width, "]");
  weights_ = model::cast(language_, type);
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
  model::write_scorer(folder, language_, head_, padding_);
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
  return {language, head, base::require<int>(language.config.other, "pad_token_id", where), type};
}

LanguageScorer train_language_scorer(model::LanguageModel language, int padding,
                                     const std::vector<ScoredSequence>& sequences,
                                     const LanguageScorerSettings& settings, torch::Dtype type,
                                     std::uint64_t seed, base::Console& console) {
  std::vector<std::vector<int>> ids;
  std::vector<std::size_t> training, stopping;
  double mean = 0, squares = 0;
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    ids.push_back(sequences[i].ids);
    (sequences[i].stop ? stopping : training).push_back(i);
    mean += sequences[i].target / static_cast<double>(sequences.size());
    squares += sequences[i].target * sequences[i].target / static_cast<double>(sequences.size());
  }
  const double deviation = std::max(1e-6, std::sqrt(std::max(0., squares - mean * mean)));
  const auto targets = [&](const std::vector<std::size_t>& batch) {
    std::vector<float> values;
    for (std::size_t i : batch)
      values.push_back(static_cast<float>((sequences[i].target - mean) / deviation));
    return torch::tensor(values);
  };
  torch::Tensor head = torch::zeros({1, language.config.width}).set_requires_grad(true);
  train::AdamW optimiser(language.trained().tensors(), {.weight_decay = .01});
  train::AdamW head_optimiser({head}, {.weight_decay = 0});
  const auto error = [&] {
    torch::NoGradGuard no_grad;
    const model::Weights weights = model::cast(language, type);
    double sum = 0;
    for (const auto& batch : batches_of(ids, stopping, kScoreTokens))
      sum += (scores_of(weights, head, padding, ids, batch) - targets(batch))
                 .square()
                 .sum()
                 .item<double>();
    return stopping.empty() ? 0 : sum / static_cast<double>(stopping.size());
  };
  const std::int64_t total =
      settings.epochs *
      static_cast<std::int64_t>(batches_of(ids, training, settings.batch_tokens).size());
  double best = error();
  model::TensorMap best_weights = language.trained().copy();
  torch::Tensor best_head = head.detach().clone();
  base::Progress progress(console, "reward, language", total, 0);
  std::int64_t step = 0;
  for (int epoch = 0; epoch < settings.epochs; ++epoch) {
    std::vector<std::size_t> order = training;
    base::Random random(
        {.seed = seed, .stage = "reward/language", .step = static_cast<std::uint64_t>(epoch)});
    random.shuffle(order);
    for (const auto& batch : batches_of(ids, order, settings.batch_tokens)) {
      base::stop_if_interrupted();
      step += 1;
      const torch::Tensor loss =
          (scores_of(model::cast(language, type), head, padding, ids, batch) - targets(batch))
              .square()
              .mean();
      loss.backward();
      const double rate = settings.learning_rate * train::cosine_schedule(step, total / 20, total);
      optimiser.step(rate, 1);
      head_optimiser.step(10 * rate, 1);
      progress.advance(1, "error " + base::fixed(loss.item<double>(), 3));
    }
    const double now = error();
    console.line(base::concatenate("reward  language scorer, epoch ", epoch + 1, ": squared error ",
                                   base::fixed(now, 4), " of ", base::fixed(best, 4), " before"));
    if (now >= best) break;
    best = now;
    best_weights = language.trained().copy();
    best_head = head.detach().clone();
  }
  progress.finish();
  language.trained().assign(best_weights, "best weights");
  return {language, best_head * deviation, padding, type};
}

}  // namespace reward
