#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "base/progress.h"
#include "model/forward.h"
#include "text/tokenizer.h"

namespace reward {

struct LanguageScorerSettings {
  int epochs = 3;
  double learning_rate = 1e-4;
  int batch_tokens = 2048;
  int replies = 4000;

  template <class F>
  void fields(F&& field) {
    field("epochs", epochs, "passes over the training replies, at most");
    field("learning_rate", learning_rate,
          "AdamW's peak step size; of the score's head ten times it");
    field("batch_tokens", batch_tokens, "tokens of one step");
    field("replies", replies, "training replies, at most; drawn evenly");
  }
};

// A language model that scores a prompt with its reply by one number: head * (hidden state of the
// last token that is not padding), as transformers' GPT2ForSequenceClassification and its
// counterparts do. <|end|> is the padding, so a reply is scored at its last word.
class LanguageScorer {
 public:
  // head: [1, C]. The model's adapter, if any, is merged.
  LanguageScorer(const model::LanguageModel& language, torch::Tensor head, int padding,
                 torch::Dtype type);

  // One score a sequence of ids, whatever its neighbours. Sequences have a token that is not
  // padding and fit the context.
  std::vector<double> score(const std::vector<std::vector<int>>& sequences) const;

  // A folder that transformers and TRL load as a reward model, with its tokenizer. Not of a scorer
  // that was read, which keeps only what scoring takes.
  void write(const std::filesystem::path& folder, const text::Tokenizer& tokenizer) const;
  // Throws base::DataError.
  static LanguageScorer read(const std::filesystem::path& folder, torch::Dtype type);

 private:
  std::optional<model::LanguageModel> language_;  // to be written
  torch::Tensor head_;
  int padding_;
  model::Weights weights_;
};

// A sequence and what it should score; dialogues with stop = true tell when to stop.
struct ScoredSequence {
  std::vector<int> ids;
  double target;
  bool stop;
};

// Least squares on targets (divided by their deviation) from the given language model, a head that
// starts at 0; all weights, or the adapter's and the head where the model has one. Keeps the epoch
// with the least error on the stopping dialogues; of no epoch better than the mean, a head of 0. A
// function of its arguments.
LanguageScorer train_language_scorer(model::LanguageModel language, int padding,
                                     const std::vector<ScoredSequence>& sequences,
                                     const LanguageScorerSettings& settings, torch::Dtype type,
                                     std::uint64_t seed, base::Console& console);

}  // namespace reward
