#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "metrics/bootstrap.h"
#include "reward/predictor.h"

namespace reward {

// How a predictor does on held-out dialogues, on one target.
struct TargetQuality {
  std::string target;
  std::optional<metrics::Interval> pearson;  // with the target; the paper asks for more than .6
  // For liked and useful, from forms only, each beside what it must beat: the item's own liked
  // rate, its popularity and the inverse. Over all pairs, and over pairs inside a dialogue.
  std::optional<metrics::Interval> auc, rate_auc, popularity_auc, inverse_popularity_auc;
  std::optional<metrics::Interval> auc_within, rate_within, popularity_within,
      inverse_popularity_within;
  bool pearson_passed = false;                     // above .6
  bool auc_passed = false, within_passed = false;  // the estimate above all three baselines'
  bool passed =
      false;  // what the gate looks at: within_passed for liked and useful, else pearson's
};

// One row a head. Scores are the members' mean. Rows without enough labels have no intervals and
// are not passed.
std::vector<TargetQuality> validate_predictor(const Predictor& predictor,
                                              const std::vector<Outcome>& outcomes,
                                              const std::vector<recommend::RankContext>& states,
                                              const recommend::Counts& counts,
                                              const std::vector<bool>& held_out,
                                              std::uint64_t seed);

base::Json to_json(const std::vector<TargetQuality>& qualities);
std::vector<std::string> describe(const std::vector<TargetQuality>& qualities);  // lines of a table

}  // namespace reward
