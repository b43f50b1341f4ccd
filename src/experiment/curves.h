#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace experiment {

// How far a policy is from its start model, what the reward model makes of it, and what it is
// truly worth.
struct CurvePoint {
  double distance = 0;  // sqrt(KL), nats: of a reply's words and its item together
  double proxy = 0;     // calibrated score of words and item together
  double gold = 0;      // true satisfaction
};

// Of one run's rl stage, by iteration, where gold was measured; empty where it was not. Gold is
// measured after an iteration's update, so it is paired with the distance and proxy of the next
// iteration, which are of that policy before its own update; the last iteration's with its own,
// which are an update behind. A KL that was itself measured after the update (of algorithms that
// take steps back) is of the same iteration. Gold of step 0, before any update, is at the start
// model. The words' proxy of algorithms that learn from the start model's replies is of those.
std::vector<CurvePoint> learning_curve(const std::filesystem::path& policy);

// Of a run's report.json: the start model with the best of n replies, n ascending, the start model
// itself first; empty where none played. The distance is sqrt(log n - (n - 1) / n).
std::vector<CurvePoint> best_of_curve(const std::filesystem::path& run);

// The mean of several runs' curves, point by point, as far as the shortest goes.
std::vector<CurvePoint> mean_curve(const std::vector<std::vector<CurvePoint>>& curves);

// Gao, Schulman and Hilton 2022 (arXiv 2210.10760, section 3): with d the distance, the gold score
// gained is d (alpha - beta d) for best-of-n and d (alpha - beta log d) for reinforcement learning.
enum class OverOptimisation { best_of_n, reinforcement };
struct CurveFit {
  double alpha = 0, beta = 0;
  double r2 = 0;    // share of the gain's squares about their mean that is explained
  double peak = 0;  // distance where the fitted gain is largest; infinite for beta <= 0
};

// Least squares over the points but the first, whose gold is what gains count from. Nothing with
// fewer than three points beyond it or where the distances do not differ.
std::optional<CurveFit> fit_curve(const std::vector<CurvePoint>& curve, OverOptimisation law);

// The point of the largest gold; the curve is not empty.
const CurvePoint& best_point(const std::vector<CurvePoint>& curve);

}  // namespace experiment
