#pragma once

#include <cstdint>
#include <vector>

#include "train/windows.h"

namespace bench {

// Sequences of those lengths to train on, their tokens random; every token but the first counts.
std::vector<train::Sequence> random_sequences(const std::vector<int>& lengths,
                                              std::int64_t vocabulary);

}  // namespace bench
