#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "feedback/signals.h"
#include "metrics/bootstrap.h"

namespace feedback {

// An item that the recommender was the first to name in a dialogue, and what the seeker's form says
// of it.
struct LabelledItem {
  std::size_t row = 0;  // of the signal table: the turn that named it
  int item = 0;
  std::optional<bool> liked;
  std::optional<bool> seen;
};

// All of them that the seeker's form has and that somebody replied to. Rows with the same turn come
// once for each item.
std::vector<LabelledItem> label_items(const dialogue::Corpus& corpus, const SignalTable& table);

struct ValidityOptions {
  int resamples = 1000;
  std::uint64_t seed = 1;
};

// How well a signal tells liked from disliked items. Intervals are 95 % and draw whole dialogues;
// nothing where the statistic is not defined.
struct SignalValidity {
  std::string name;
  std::int64_t liked = 0;  // items of that label where the signal has a value
  std::int64_t disliked = 0;
  double mean_liked = 0;
  double mean_disliked = 0;
  std::optional<metrics::Interval> auc;
  std::optional<metrics::Interval> pearson;
  std::optional<metrics::Interval> spearman;
  bool validated = false;  // the AUC's lower end is above .5
};

// One for each name of the table.
std::vector<SignalValidity> validate_signals(const dialogue::Corpus& corpus,
                                             const SignalTable& table,
                                             const ValidityOptions& options = {});

// A list of {name, auc, low, high, n, validated, pearson, spearman, …}, as report.json has it.
base::Json to_json(const std::vector<SignalValidity>& validities);

// A table to print, one string a line.
std::vector<std::string> describe(const std::vector<SignalValidity>& validities);

}  // namespace feedback
