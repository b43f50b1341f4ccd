#pragma once

#include <cstdint>

namespace kernels {

// A draw from a categorical distribution.
struct Draw {
  std::int64_t index = 0;
  double log_prob =
      0;  // natural, of the distribution drawn from; at temperature 0, of temperature 1
};

// Which outcomes may be drawn: the top_k likeliest (0: all), and of these the fewest likeliest
// whose share of their probability reaches top_p in (0, 1] (nucleus sampling; Holtzman et al.
// 2020). Of equal ones the first.
struct Truncation {
  std::int64_t top_k = 0;
  double top_p = 1;

  bool any() const { return top_k > 0 || top_p < 1; }
};

// Less than this is as good as 0, and is taken so.
constexpr double kLeastTemperature = 1e-6;

// Draws from softmax(logits / temperature), n outcomes: the first at which the cumulated
// probability, of what the truncation leaves, exceeds u in [0, 1). At temperature 0 the largest
// logit, u unused. In time that is linear in n: nothing is sorted. Throws base::Error where an
// argument is out of its range, and where a truncation is to be made of logits that are no numbers.
Draw draw(const float* logits, std::int64_t n, double temperature, double u,
          const Truncation& truncation = {});

}  // namespace kernels
