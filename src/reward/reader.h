#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dialogue/dialogue.h"
#include "feedback/signals.h"
#include "feedback/validity.h"
#include "metrics/bootstrap.h"
#include "reward/sparse_linear.h"

namespace reward {

// How well a reader tells, on dialogues it was not trained on.
struct ReaderQuality {
  std::optional<metrics::Interval> auc;  // 95 %, by dialogue
  double calibration_error = 0;
  std::size_t labels = 0;
};

// Reads the seeker's reply to a recommendation: was the item liked, had it been seen? It labels
// turns that have no form.
class Reader {
 public:
  // Trained on the labelled items of a signal table, five folds by dialogue for calibration and
  // quality. Heads with fewer than 40 labels or only one answer stay absent and give nothing.
  Reader(const dialogue::Corpus& corpus, const feedback::SignalTable& table, std::uint64_t seed);

  // Calibrated probabilities; nothing where the head is absent or nobody replied.
  std::optional<double> liked(const dialogue::Dialogue& dialogue, int turn) const;
  std::optional<double> seen(const dialogue::Dialogue& dialogue, int turn) const;

  const ReaderQuality& liked_quality() const { return liked_quality_; }
  const ReaderQuality& seen_quality() const { return seen_quality_; }

  base::Json to_json() const;

 private:
  std::optional<SparseLinear> liked_, seen_;
  ReaderQuality liked_quality_, seen_quality_;
};

}  // namespace reward
