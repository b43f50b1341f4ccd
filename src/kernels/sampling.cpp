#include "kernels/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "kernels/loops.h"

namespace kernels {

Draw draw(const float* logits, std::int64_t n, double temperature, double u) {
  base::check(n > 0 && temperature >= 0 && u >= 0 && u < 1, "draw: ", n, " outcomes, temperature ",
              temperature, ", u ", u);
  constexpr std::int64_t kBlock = 512;  // summed in fp32; the blocks in double
  const auto scale = static_cast<float>(temperature > 0 ? 1 / temperature : 1);
  const float largest = loops::largest(logits, n);
  const auto sum_of = [&](std::int64_t begin) {
    return static_cast<double>(
        loops::sum_exp(logits + begin, std::min(kBlock, n - begin), scale, largest));
  };
  std::vector<double> blocks;
  for (std::int64_t begin = 0; begin < n; begin += kBlock) blocks.push_back(sum_of(begin));
  const double sum = std::accumulate(blocks.begin(), blocks.end(), 0.);
  const auto log_prob = [&](std::int64_t index) {
    return static_cast<double>((logits[index] - largest) * scale) - std::log(sum);
  };
  if (temperature == 0) {
    const std::int64_t best = std::find(logits, logits + n, largest) - logits;
    return {best, log_prob(best)};
  }
  double left = u * sum;
  for (std::int64_t begin = 0; begin < n; begin += kBlock) {
    const double block = blocks[static_cast<std::size_t>(begin / kBlock)];
    if (left >= block) {
      left -= block;
      continue;
    }
    for (std::int64_t i = begin; i < std::min(n, begin + kBlock); ++i) {
      left -= std::exp(static_cast<double>((logits[i] - largest) * scale));
      if (left < 0) return {i, log_prob(i)};
    }
  }
  // Rounding used up what was left: the last outcome that can be drawn.
  std::int64_t last = n - 1;
  while (last > 0 && (logits[last] - largest) * scale < -80) --last;
  return {last, log_prob(last)};
}

}  // namespace kernels
