#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "feedback/signals.h"
#include "feedback/store.h"
#include "feedback/validity.h"

namespace feedback {

struct HealthOptions {
  std::int64_t now = 0;                                      // ms since 1970
  std::int64_t recent = std::int64_t{7} * 24 * 3600 * 1000;  // ms; what is older is "before"
  int resamples = 200;
};

// How a signal does, over the replies to people who agreed to training.
struct SignalHealth {
  std::string name;
  std::int64_t n = 0;                 // recent replies that it has a value of
  double rate = 0;                    // their share of the recent replies
  double mean = 0;                    // of them
  std::optional<double> mean_before;  // of the replies before
  // By how many standard errors the two means differ (Welch's statistic); nothing where either has
  // fewer than two.
  std::optional<double> drift;
  SignalValidity validity;  // against what people said they liked, over all replies
};

// One for each signal of measure_signals(). Words are read by `scorer` (empty: no sentiment).
std::vector<SignalHealth> signal_health(const Store& store, const SentimentFunction& scorer,
                                        const HealthOptions& options);

}  // namespace feedback
