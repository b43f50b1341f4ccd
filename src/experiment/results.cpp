#include "experiment/results.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/bootstrap.h"
#include "metrics/student.h"

namespace experiment {
namespace {

constexpr double kRounding = 1e-9;  // a deviation below this share of the mean is none

const Outcome* find(const std::vector<Outcome>& outcomes, const std::string& variant, int seed) {
  const auto found = std::find_if(outcomes.begin(), outcomes.end(), [&](const Outcome& outcome) {
    return outcome.variant == variant && outcome.seed == seed;
  });
  return found == outcomes.end() ? nullptr : &*found;
}

std::optional<double> value_of(const Plan& plan, const std::vector<Outcome>& outcomes,
                               const std::string& variant, int seed, const Metric& metric) {
  const bool is_start = variant == kStart;
  const Outcome* outcome = find(outcomes, is_start ? plan.variants[0].name : variant, seed);
  if (!outcome) return std::nullopt;
  const std::map<std::string, double>& values = is_start ? outcome->start : outcome->aligned;
  const auto value = values.find(metric.title());
  return value == values.end() ? std::nullopt : std::optional(value->second);
}

// Two-sided, of a mean of 0; nothing with fewer than two values or without deviation.
std::optional<double> t_test(const std::vector<double>& values, double mean) {
  if (values.size() < 2) return std::nullopt;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const auto n = static_cast<double>(values.size());
  const double error = std::sqrt(squares / (n - 1) / n);
  if (error <= kRounding * std::abs(mean)) return std::nullopt;
  return 2 * metrics::student_below(-std::abs(mean) / error, n - 1);
}

void correct_for_number(std::vector<Difference>& differences) {
  std::vector<double> p_values;
  for (const Difference& difference : differences)
    if (difference.p) p_values.push_back(*difference.p);
  const std::vector<double> adjusted = metrics::holm_adjust(p_values);
  std::size_t next = 0;
  for (Difference& difference : differences)
    if (difference.p) difference.p_holm = adjusted[next++];
}

}  // namespace

Cell summarise(const std::vector<double>& values) {
  Cell cell;
  cell.values = values;
  for (const double value : values) cell.mean += value / static_cast<double>(values.size());
  if (values.size() < 2) return cell;
  double squares = 0;
  for (const double value : values) squares += (value - cell.mean) * (value - cell.mean);
  const auto n = static_cast<double>(values.size());
  const double reach = metrics::student_quantile(.975, n - 1) * std::sqrt(squares / (n - 1) / n);
  cell.low = cell.mean - reach;
  cell.high = cell.mean + reach;
  return cell;
}

Results summarise(const Plan& plan, const std::vector<Outcome>& outcomes) {
  Results results;
  std::vector<std::string> rows = {kStart};
  for (const Variant& variant : plan.variants) rows.push_back(variant.name);
  for (const std::string& row : rows)
    for (const Metric& metric : plan.metrics) {
      std::vector<double> values;
      for (const int seed : plan.experiment.seeds)
        if (const auto value = value_of(plan, outcomes, row, seed, metric))
          values.push_back(*value);
      if (!values.empty()) results.cells[row][metric.title()] = summarise(values);
    }
  for (const Contrast& contrast : plan.contrasts) {
    std::vector<double> values;
    for (const int seed : plan.experiment.seeds) {
      const auto first = value_of(plan, outcomes, contrast.variant, seed, contrast.metric),
                 second = value_of(plan, outcomes, contrast.against, seed, contrast.metric);
      if (first && second) values.push_back(*first - *second);
    }
    Difference difference{contrast, summarise(values)};
    difference.p = t_test(values, difference.cell.mean);
    results.differences.push_back(std::move(difference));
  }
  correct_for_number(results.differences);
  for (const Variant& variant : plan.variants) {
    std::vector<std::vector<CurvePoint>> learning, best_of;
    for (const Outcome& outcome : outcomes)
      if (outcome.variant == variant.name) {
        if (!outcome.learning.empty()) learning.push_back(outcome.learning);
        if (!outcome.best_of.empty()) best_of.push_back(outcome.best_of);
      }
    if (!learning.empty()) results.curves[variant.name].learning = mean_curve(learning);
    if (!best_of.empty()) results.curves[variant.name].best_of = mean_curve(best_of);
  }
  for (const Variant& variant : plan.variants)
    for (const int seed : plan.experiment.seeds)
      if (!find(outcomes, variant.name, seed))
        results.missing.push_back(variant.name + ", seed " + std::to_string(seed));
  return results;
}

}  // namespace experiment
