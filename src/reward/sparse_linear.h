#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"

namespace reward {

// Named features with values; a feature named twice counts twice.
using Features = std::vector<std::pair<std::string, double>>;

// The words and pairs of neighbouring words of a text, as features of value 1 / sqrt(number of
// words).
Features ngram_features(const std::vector<std::string>& words);

struct LinearExample {
  Features features;
  double target = 0;  // 0 … 1 for a probability, any number for a value
  double weight = 1;
};

// A linear model over sparse named features: logistic regression or least squares with an L2
// penalty, by AdaGrad. Small, fast to train, and readable: weights() can be looked at.
class SparseLinear {
 public:
  enum class Kind { logistic, squares };

  struct Options {
    Kind kind = Kind::logistic;
    int epochs = 20;
    double learning_rate = .2;
    double penalty = 1e-5;  // of squared weights, an example
    int min_count = 3;      // examples that must have a feature
    std::uint64_t seed = 1;
  };

  SparseLinear() = default;
  // A function of its arguments.
  SparseLinear(const std::vector<LinearExample>& examples, const Options& options);

  // Logit or value.
  double score(const Features& features) const;
  double probability(
      const Features& features) const;  // logistic only, calibrated where calibrate() was called

  // Platt scaling (1999): a logistic regression of the outcomes on the model's own logits for
  // examples that it was not trained on.
  void calibrate(const std::vector<double>& logits, const std::vector<double>& outcomes);
  double calibrated(double logit) const;  // the probability that a logit of this model stands for

  const std::map<std::string, double>& weights() const { return weights_; }

  base::Json to_json() const;
  // Throws base::DataError where the object is not one of to_json().
  static SparseLinear from_json(const base::Json& json, const std::string& where);

 private:
  std::map<std::string, double> weights_;
  double bias_ = 0;
  double gain_ = 1, shift_ = 0;  // of the calibration
};

double logistic(double x);

}  // namespace reward
