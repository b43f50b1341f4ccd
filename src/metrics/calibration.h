#pragma once

#include <cstddef>
#include <span>

namespace metrics {

// How far probabilities are from what happened. Labels are 0 or 1, probabilities from 0 to 1; else,
// and where there is no row, base::Error (internal).

// The mean squared difference (Brier 1950): 0 best, .25 for always saying one half.
double brier(std::span<const double> probabilities, std::span<const int> labels);

// Expected calibration error (Naeini et al. 2015): over `bins` bins of equal width, the difference
// between the mean probability and the share of ones, weighted by the bin's share of rows.
double calibration_error(std::span<const double> probabilities, std::span<const int> labels,
                         std::size_t bins = 10);

}  // namespace metrics
