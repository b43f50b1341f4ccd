#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include "train/windows.h"

namespace bench {

// Dialogues are of many lengths: about 1,024 tokens of them, which fill the memory that a batch of
// the longest would take to 70 %.
const std::vector<int>& dialogue_lengths();

// Sequences of those lengths to train on, their tokens random; every token but the first counts.
std::vector<train::Sequence> random_sequences(const std::vector<int>& lengths,
                                              std::int64_t vocabulary);

// Prompts of so many random tokens each.
std::vector<std::vector<int>> random_prompts(std::int64_t count, int length,
                                             std::int64_t vocabulary);
torch::Tensor as_rows(const std::vector<std::vector<int>>& prompts);  // [B, T] int64

}  // namespace bench
