#include "metrics/spread.h"

#include <algorithm>
#include <vector>

namespace metrics {

double coverage(std::span<const std::int64_t> counts) {
  if (counts.empty()) return 0;
  const auto used = std::ranges::count_if(counts, [](std::int64_t count) { return count > 0; });
  return static_cast<double>(used) / static_cast<double>(counts.size());
}

double gini(std::span<const std::int64_t> counts) {
  std::vector<std::int64_t> sorted(counts.begin(), counts.end());
  std::ranges::sort(sorted);
  const auto size = static_cast<double>(sorted.size());
  double weighted = 0, total = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const auto count = static_cast<double>(sorted[i]);
    weighted += (2 * static_cast<double>(i + 1) - size - 1) * count;
    total += count;
  }
  return total > 0 ? weighted / (size * total) : 0;
}

}  // namespace metrics
