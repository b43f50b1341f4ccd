#pragma once

#include <cstdint>
#include <span>

namespace metrics {

// How evenly lists of recommendations use a catalogue. counts: how often each item of the catalogue
// was recommended, 0 included.

// The share of items that were recommended at all; 0 where there is no item.
double coverage(std::span<const std::int64_t> counts);

// Gini's coefficient over the items: 0 where all were recommended equally often, (N - 1) / N where
// one item has all. With counts in ascending order x_1 … x_N:
// sum over i of (2 i - N - 1) x_i / (N * sum of x). 0 where nothing was recommended.
double gini(std::span<const std::int64_t> counts);

}  // namespace metrics
