#include "experiment/toy_theory.h"

#include <cmath>

#include "base/error.h"

namespace experiment {
namespace {

double solve(double low, double high, const auto& is_below) {
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (is_below(middle) ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace

ToyPoint toy_point(const Toy& toy, double p) {
  base::check(p > 0 && p < 1, "toy_point: p is ", p);
  const double length = toy.length, outcomes = toy.outcomes;
  return {p, length * p,
          length * (p * std::log(p * outcomes) +
                    (1 - p) * std::log((1 - p) * outcomes / (outcomes - 1)))};
}

ToyPoint toy_optimum(const Toy& toy, double beta) {
  base::check(beta > 0, "toy_optimum: beta is ", beta);
  return toy_point(toy, 1 / (1 + (toy.outcomes - 1) * std::exp(-1 / beta)));
}

ToyPoint toy_fixed_point(const Toy& toy, double beta) {
  const double length = toy.length, outcomes = toy.outcomes;
  // How hard the scores push above how hard the KL holds, in log odds.
  const auto surplus = [&](double p) {
    return 1 / (beta * std::sqrt(length * p * (1 - p))) - std::log(p / (1 - p) * (outcomes - 1));
  };
  constexpr double kStep = 1e-4;
  for (double p = 1 / outcomes; p + kStep < 1; p += kStep)
    if (surplus(p + kStep) <= 0)
      return toy_point(toy, solve(p, p + kStep, [&](double x) { return surplus(x) > 0; }));
  return {};
}

double toy_beta_of(const Toy& toy, double kl) {
  base::check(kl > 0 && kl < toy.length * std::log(toy.outcomes), "toy_beta_of: KL is ", kl);
  return solve(1e-3, 1e3, [&](double beta) { return toy_optimum(toy, beta).kl > kl; });
}

ToyScores toy_scores(const Toy& toy) {
  ToyScores scores;
  double ways = 1;
  for (int k = 0; k <= toy.length; ++k) {
    scores.values.push_back(k);
    scores.probabilities.push_back(ways * std::pow(1. / toy.outcomes, k) *
                                   std::pow(1 - 1. / toy.outcomes, toy.length - k));
    ways = ways * (toy.length - k) / (k + 1);
  }
  return scores;
}

}  // namespace experiment
