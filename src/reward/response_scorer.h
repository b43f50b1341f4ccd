#pragma once

#include <optional>
#include <vector>

#include "dialogue/dialogue.h"
#include "metrics/bootstrap.h"
#include "reward/sparse_linear.h"

namespace reward {

// A recommender's turn and the blend of signals that followed it.
struct ResponseOutcome {
  const dialogue::Dialogue* dialogue;
  int turn;
  double blend;
  std::int64_t cluster;  // of the dialogue, for intervals
};

// Scores the words of a reply, whatever item they name, by what seekers did after such words, with
// what the state before already foretold held fixed. Without that a policy learns to say goodbye:
// people thank, pleased, for what came before.
class ResponseScorer {
 public:
  ResponseScorer() = default;

  // Least squares of the blend on words and state together. A function of its arguments.
  ResponseScorer(const std::vector<ResponseOutcome>& training, std::uint64_t seed);

  // The words' part.
  double score(const dialogue::Turn& reply) const;

  // The state's part: the seeker's last words, how far the dialogue is, how many items were named.
  double foretold(const dialogue::Dialogue& dialogue, int turn) const;

  base::Json to_json() const { return model_.to_json(); }
  // Throws base::DataError where the object is not one of to_json().
  static ResponseScorer from_json(const base::Json& json, const std::string& where);

 private:
  SparseLinear model_;
};

// Pearson of the words' scores, one an outcome, with the blend less the state's part, on outcomes
// that the scorer was not trained on, 95 % by dialogue. Nothing where there are too few.
std::optional<metrics::Interval> response_quality(const std::vector<double>& scores,
                                                  const ResponseScorer& scorer,
                                                  const std::vector<ResponseOutcome>& outcomes,
                                                  std::uint64_t seed);

}  // namespace reward
