#include "metrics/perplexity.h"

#include <cmath>
#include <numbers>

#include "base/error.h"

namespace metrics {

double perplexity(double log_probs, std::int64_t tokens) {
  base::check(tokens > 0, "perplexity over no token");
  return std::exp(-log_probs / static_cast<double>(tokens));
}

double bits_per_byte(double log_probs, std::int64_t bytes) {
  base::check(bytes > 0, "bits per byte over no byte");
  return -log_probs / std::numbers::ln2 / static_cast<double>(bytes);
}

}  // namespace metrics
