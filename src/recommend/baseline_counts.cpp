// Baselines that count: popularity, copy, co-occurrence.
#include <algorithm>
#include <cmath>

#include "recommend/baseline.h"

namespace recommend {
namespace {

constexpr double kTie = 1e-6;  // far below the smallest co-occurrence term

std::size_t at(int i) { return static_cast<std::size_t>(i); }

}  // namespace

std::vector<double> popularity_weights(const Counts& counts) {
  std::vector<double> weights(counts.recommended().begin(), counts.recommended().end());
  for (double& weight : weights) weight += .5;
  return weights;
}

std::vector<double> cooccurrence_weights(const dialogue::State& state, const Counts& counts) {
  std::vector<double> weights(at(counts.items()));
  for (const dialogue::KnownItem& known : state.items) {
    const double scale = 1 / std::sqrt(counts.named()[at(known.item)] + 5.);
    for (const auto& [item, count] : counts.with_item(known.item))
      weights[at(item)] += scale * count;
  }
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] /= std::sqrt(counts.recommended()[i] + 5.);
  return weights;
}

std::vector<double> ties_by_popularity(std::vector<double> weights, const Counts& counts) {
  const std::vector<double> popularity = popularity_weights(counts);
  const double most = *std::max_element(popularity.begin(), popularity.end());
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] += kTie * popularity[i] / most;
  return weights;
}

// The most popular first.
BaselineKind popularity_baseline() {
  return {"popularity", {""}, "v2", [](const BaselineInput& input, std::size_t) -> ItemWeights {
            const std::vector<double> weights = popularity_weights(input.tables.counts);
            return [weights](const dialogue::State&) { return weights; };
          }};
}

// Items named so far, the last one first; then popularity.
BaselineKind copy_baseline() {
  return {"copy", {""}, "v1", [](const BaselineInput& input, std::size_t) -> ItemWeights {
            const std::vector<double> popularity = popularity_weights(input.tables.counts);
            const double most = *std::max_element(popularity.begin(), popularity.end());
            return [popularity, most](const dialogue::State& state) {
              std::vector<double> weights = popularity;
              double above = most;
              for (const dialogue::KnownItem& known : state.items)  // in order of last mention
                weights[at(known.item)] = above *= 1.1;
              return weights;
            };
          }};
}

// What is named in the same dialogues; where that is equal, popularity.
BaselineKind cooccurrence_baseline() {
  return {"cooccurrence", {""}, "v2", [](const BaselineInput& input, std::size_t) -> ItemWeights {
            return [&counts = input.tables.counts](const dialogue::State& state) {
              return ties_by_popularity(cooccurrence_weights(state, counts), counts);
            };
          }};
}

}  // namespace recommend
