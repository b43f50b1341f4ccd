#include "experiment/curves.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "base/run_log.h"
#include "evaluate/scores.h"
#include "rl/best_of_n.h"

namespace experiment {
namespace {

constexpr std::string_view kBestOf = "best-of-";  // models of a report, before n
constexpr double kNearest = 1e-3;                 // distances below it say nothing of a law

enum class Measured { before, after };  // an iteration's update

std::map<std::int64_t, double> by_iteration(const std::filesystem::path& folder,
                                            const std::string& metric) {
  const auto values = base::read_metric(folder, metric);
  return {values.begin(), values.end()};
}

// A metric that is logged at each iteration.
class Logged {
 public:
  Logged(const std::filesystem::path& folder, const std::string& metric, Measured measured)
      : values_(by_iteration(folder, metric)), measured_(measured) {}

  // Of the policy after an iteration's update, as near as the log has it; 0 where it has nothing.
  double after(std::int64_t iteration) const {
    auto found = values_.find(measured_ == Measured::after ? iteration : iteration + 1);
    if (found == values_.end()) found = values_.find(iteration);
    return found == values_.end() ? 0 : found->second;
  }

 private:
  std::map<std::int64_t, double> values_;
  Measured measured_;
};

}  // namespace

std::vector<CurvePoint> learning_curve(const std::filesystem::path& policy) {
  const auto measured = [&](const char* taken_back) {
    return by_iteration(policy, taken_back).empty() ? Measured::before : Measured::after;
  };
  const Logged words_kl(policy, "objective/kl", measured("kl/taken_back")),
      item_kl(policy, "item/kl", measured("item/taken_back")),
      words_score(policy, "objective/scores", Measured::before),
      item_score(policy, "item/reward", Measured::before);
  std::vector<CurvePoint> curve;
  for (const auto& [iteration, gold] : by_iteration(policy, "gold"))
    curve.push_back({std::sqrt(std::max(words_kl.after(iteration), 0.) +
                               std::max(item_kl.after(iteration), 0.)),
                     words_score.after(iteration) + item_score.after(iteration), gold});
  return curve;
}

std::vector<CurvePoint> best_of_curve(const std::filesystem::path& run) {
  const std::filesystem::path file = run / "report.json";
  const base::Json report = base::read_json(file);
  std::map<int, CurvePoint> points;
  for (const base::Json& model : base::require<base::Json>(report, "models", file.string())) {
    const evaluate::ModelScores scores = evaluate::model_scores_from_json(model, file.string());
    int n = 0;
    const char* const end = scores.name.data() + scores.name.size();
    if (!scores.name.starts_with(kBestOf) || !scores.world ||
        std::from_chars(scores.name.data() + kBestOf.size(), end, n).ptr != end)
      continue;
    points[n] = {std::sqrt(rl::best_of_n_kl(n)), scores.world->reward.value_or(0),
                 scores.world->satisfaction};
  }
  std::vector<CurvePoint> curve;
  for (const auto& [n, point] : points) curve.push_back(point);
  return curve;
}

std::vector<CurvePoint> mean_curve(const std::vector<std::vector<CurvePoint>>& curves) {
  if (curves.empty()) return {};
  std::size_t length = std::numeric_limits<std::size_t>::max();
  for (const auto& curve : curves) length = std::min(length, curve.size());
  std::vector<CurvePoint> mean(length);
  const auto n = static_cast<double>(curves.size());
  for (const auto& curve : curves)
    for (std::size_t i = 0; i < length; ++i) {
      mean[i].distance += curve[i].distance / n;
      mean[i].proxy += curve[i].proxy / n;
      mean[i].gold += curve[i].gold / n;
    }
  return mean;
}

std::optional<CurveFit> fit_curve(const std::vector<CurvePoint>& curve, OverOptimisation law) {
  // gain = alpha x + beta y with x = d, y = -d^2 or -d log d: two normal equations.
  double xx = 0, xy = 0, yy = 0, xg = 0, yg = 0, gains = 0, squares = 0, n = 0;
  const bool best_of = law == OverOptimisation::best_of_n;
  const auto regressor = [&](double d) { return best_of ? -d * d : -d * std::log(d); };
  for (std::size_t i = 1; i < curve.size(); ++i) {
    const double d = curve[i].distance, gain = curve[i].gold - curve[0].gold;
    if (d < kNearest) continue;
    const double y = regressor(d);
    xx += d * d;
    xy += d * y;
    yy += y * y;
    xg += d * gain;
    yg += y * gain;
    gains += gain;
    squares += gain * gain;
    n += 1;
  }
  const double determinant = xx * yy - xy * xy;
  if (n < 3 || !(determinant > 1e-12 * xx * yy)) return std::nullopt;
  CurveFit fit;
  fit.alpha = (yy * xg - xy * yg) / determinant;
  fit.beta = (xx * yg - xy * xg) / determinant;
  const double left = squares - fit.alpha * xg - fit.beta * yg,
               spread = squares - gains * gains / n;
  fit.r2 = spread > 0 ? 1 - left / spread : 0;
  fit.peak = fit.beta <= 0 ? std::numeric_limits<double>::infinity()
             : best_of     ? fit.alpha / (2 * fit.beta)
                           : std::exp(fit.alpha / fit.beta - 1);
  return fit;
}

const CurvePoint& best_point(const std::vector<CurvePoint>& curve) {
  base::check(!curve.empty(), "the best point of an empty curve");
  return *std::max_element(
      curve.begin(), curve.end(),
      [](const CurvePoint& a, const CurvePoint& b) { return a.gold < b.gold; });
}

}  // namespace experiment
