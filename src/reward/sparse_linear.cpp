#include "reward/sparse_linear.h"

#include <cmath>
#include <numeric>
#include <unordered_map>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/random.h"

namespace reward {

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

Features ngram_features(const std::vector<std::string>& words) {
  Features features;
  if (words.empty()) return {{"(no words)", 1.}};
  const double value = 1 / std::sqrt(static_cast<double>(words.size()));
  for (std::size_t i = 0; i < words.size(); ++i) {
    features.emplace_back(words[i], value);
    if (i + 1 < words.size()) features.emplace_back(words[i] + " " + words[i + 1], value);
  }
  features.emplace_back("(first) " + words[0], value);
  return features;
}

SparseLinear::SparseLinear(const std::vector<LinearExample>& examples, const Options& options) {
  std::unordered_map<std::string, int> counts, numbers;
  for (const LinearExample& example : examples)
    for (const auto& [name, value] : example.features) counts[name] += 1;
  std::vector<std::string> names;
  std::vector<std::vector<std::pair<int, double>>> rows;
  for (const LinearExample& example : examples) {
    rows.emplace_back();
    for (const auto& [name, value] : example.features) {
      if (counts[name] < options.min_count) continue;
      const auto [place, is_new] = numbers.emplace(name, static_cast<int>(names.size()));
      if (is_new) names.push_back(name);
      rows.back().emplace_back(place->second, value);
    }
  }
  std::vector<double> weights(names.size()), squares(names.size(), 1e-8);
  double bias_square = 1e-8;
  std::vector<std::size_t> order(examples.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    base::stop_if_interrupted();
    base::Random(
        {.seed = options.seed, .stage = "linear", .step = static_cast<std::uint64_t>(epoch)})
        .shuffle(order);
    for (std::size_t i : order) {
      double z = bias_;
      for (const auto& [feature, value] : rows[i])
        z += weights[static_cast<std::size_t>(feature)] * value;
      const double predicted = options.kind == Kind::logistic ? logistic(z) : z;
      const double error = examples[i].weight * (predicted - examples[i].target);
      for (const auto& [feature, value] : rows[i]) {
        const auto f = static_cast<std::size_t>(feature);
        const double gradient = error * value + options.penalty * weights[f];
        squares[f] += gradient * gradient;
        weights[f] -= options.learning_rate * gradient / std::sqrt(squares[f]);
      }
      bias_square += error * error;
      bias_ -= options.learning_rate * error / std::sqrt(bias_square);
    }
  }
  for (std::size_t f = 0; f < names.size(); ++f) weights_[names[f]] = weights[f];
}

double SparseLinear::score(const Features& features) const {
  double z = bias_;
  for (const auto& [name, value] : features) {
    const auto found = weights_.find(name);
    if (found != weights_.end()) z += found->second * value;
  }
  return z;
}

double SparseLinear::calibrated(double logit) const { return logistic(gain_ * logit + shift_); }

double SparseLinear::probability(const Features& features) const {
  return calibrated(score(features));
}

void SparseLinear::calibrate(const std::vector<double>& logits,
                             const std::vector<double>& outcomes) {
  // Newton's method on two numbers; Platt's targets keep both away from certainty.
  double positives = 0;
  for (double outcome : outcomes) positives += outcome;
  const double negatives = static_cast<double>(outcomes.size()) - positives;
  const double high = (positives + 1) / (positives + 2), low = 1 / (negatives + 2);
  const auto loss = [&](double a, double b) {
    double sum = 0;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double z = a * logits[i] + b, target = outcomes[i] > .5 ? high : low;
      sum += std::log1p(std::exp(-std::abs(z))) + std::max(z, 0.) - target * z;
    }
    return sum;
  };
  double a = 0, b = std::log((positives + 1) / (negatives + 1)), now = loss(a, b);
  for (int step = 0; step < 50; ++step) {
    double ga = 0, gb = 0, haa = 1e-6, hab = 0, hbb = 1e-6;
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const double p = logistic(a * logits[i] + b), error = p - (outcomes[i] > .5 ? high : low),
                   w = p * (1 - p);
      ga += error * logits[i];
      gb += error;
      haa += w * logits[i] * logits[i];
      hab += w * logits[i];
      hbb += w;
    }
    const double determinant = haa * hbb - hab * hab;
    if (determinant < 1e-12) break;
    double da = (hbb * ga - hab * gb) / determinant, db = (haa * gb - hab * ga) / determinant;
    // Newton's step can overshoot: halved until the loss falls.
    double next = loss(a - da, b - db);
    for (int halved = 0; next > now && halved < 30; ++halved) {
      da /= 2;
      db /= 2;
      next = loss(a - da, b - db);
    }
    if (!(next < now)) break;
    a -= da;
    b -= db;
    const double gained = now - next;
    now = next;
    if (gained < 1e-10) break;
  }
  gain_ = a;
  shift_ = b;
}

base::Json SparseLinear::to_json() const {
  return {{"bias", bias_}, {"gain", gain_}, {"shift", shift_}, {"weights", weights_}};
}

SparseLinear SparseLinear::from_json(const base::Json& json, const std::string& where) {
  SparseLinear model;
  model.bias_ = base::require<double>(json, "bias", where);
  model.gain_ = base::require<double>(json, "gain", where);
  model.shift_ = base::require<double>(json, "shift", where);
  model.weights_ = base::require<std::map<std::string, double>>(json, "weights", where);
  return model;
}

}  // namespace reward
