#include "metrics/calibration.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"

namespace metrics {
namespace {

void check_rows(std::span<const double> probabilities, std::span<const int> labels) {
  base::check(!labels.empty() && probabilities.size() == labels.size(), probabilities.size(),
              " probabilities and ", labels.size(), " labels");
  for (const double p : probabilities)
    base::check(p >= 0 && p <= 1, "a probability is ", p, ", expected 0 to 1");
  for (const int label : labels)
    base::check(label == 0 || label == 1, "a label is ", label, ", expected 0 or 1");
}

}  // namespace

double brier(std::span<const double> probabilities, std::span<const int> labels) {
  check_rows(probabilities, labels);
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double difference = probabilities[i] - labels[i];
    sum += difference * difference;
  }
  return sum / static_cast<double>(labels.size());
}

double calibration_error(std::span<const double> probabilities, std::span<const int> labels,
                         std::size_t bins) {
  check_rows(probabilities, labels);
  base::check(bins > 0, "calibration error over no bin");
  std::vector<double> surplus(bins, 0.0);  // the sum of probability - label
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto bin = static_cast<std::size_t>(probabilities[i] * static_cast<double>(bins));
    surplus[std::min(bin, bins - 1)] += probabilities[i] - labels[i];
  }
  double sum = 0;
  for (const double value : surplus) sum += std::abs(value);
  return sum / static_cast<double>(labels.size());
}

}  // namespace metrics
