#pragma once

#include <vector>

namespace experiment {

// A task with known answers: a reply of `length` tokens, each one of `outcomes`; the reference
// draws all alike; the score is how often token 0 stands in it. Whoever is best at any price of KL
// draws every token by itself, token 0 with one probability p and the others alike, so score and KL
// are functions of p.
struct Toy {
  int length = 8;
  int outcomes = 16;
};

struct ToyPoint {
  double p = 0;      // of token 0
  double score = 0;  // mean, length * p
  double kl = 0;     // to the reference, nats a reply
};

// The point at which token 0 has probability p, 0 < p < 1.
ToyPoint toy_point(const Toy& toy, double p);

// The largest score - beta KL, beta > 0: p = exp(1 / beta) / (exp(1 / beta) + outcomes - 1).
ToyPoint toy_optimum(const Toy& toy, double beta);

// Where the gradient of advantages divided by their deviation meets that of beta KL: the stable
// solution of p / (1 - p) * (outcomes - 1) = exp(1 / (beta sqrt(length p (1 - p)))), found from p =
// 1 / outcomes upwards. p = 0 where there is none: the policy runs into token 0.
ToyPoint toy_fixed_point(const Toy& toy, double beta);

// The beta at which the optimum's KL is this: where an adaptive price comes to rest. 0 < kl <
// length * log(outcomes).
double toy_beta_of(const Toy& toy, double kl);

// The scores 0 … length and their probabilities under the reference.
struct ToyScores {
  std::vector<double> values, probabilities;
};
ToyScores toy_scores(const Toy& toy);

}  // namespace experiment
