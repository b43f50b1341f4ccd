#pragma once

#include <cstdint>

namespace kernels {

// A draw from a categorical distribution.
struct Draw {
  std::int64_t index = 0;
  double log_prob =
      0;  // natural, of the distribution drawn from; at temperature 0, of temperature 1
};

// Draws from softmax(logits / temperature), n outcomes: the first at which the cumulated
// probability exceeds u in [0, 1). At temperature 0 the largest logit, u unused.
Draw draw(const float* logits, std::int64_t n, double temperature, double u);

}  // namespace kernels
