#include "kernels/sampling.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/loops.h"

namespace kernels {

Draw draw(const float* logits, std::int64_t n, double temperature, double u) {
  base::check(n > 0 && temperature >= 0 && u >= 0 && u < 1, "draw: ", n, " outcomes, temperature ",
              temperature, ", u ", u);
  constexpr std::int64_t kBlock = 512;  // summed in fp32; the blocks in double
  const auto scale = static_cast<float>(temperature > 0 ? 1 / temperature : 1);
  const std::int64_t best = std::max_element(logits, logits + n) - logits;
  const float largest = logits[best];
  const auto sum_of = [&](std::int64_t begin) {
    return static_cast<double>(
        loops::sum_exp(logits + begin, std::min(kBlock, n - begin), scale, largest));
  };
  double sum = 0;
  for (std::int64_t begin = 0; begin < n; begin += kBlock) sum += sum_of(begin);
  const auto log_prob = [&](std::int64_t index) {
    return static_cast<double>((logits[index] - largest) * scale) - std::log(sum);
  };
  if (temperature == 0) return {best, log_prob(best)};
  double left = u * sum;
  for (std::int64_t begin = 0; begin < n; begin += kBlock) {
    const double block = sum_of(begin);
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
