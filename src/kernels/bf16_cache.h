#pragma once

#include <cstdint>

#include "kernels/bf16_tiles.h"

// Attention of one query against cached keys and values in bf16, by AVX-512 BF16. Callers check
// bf16_tiles::available() first.
namespace kernels::bf16_cache {

using loops::bf16;

// Heads [first, first + count) of one row. `share` of them read one group of keys and values.
struct Row {
  const bf16* query;          // of the first of these heads: [count, width]
  const bf16 *keys, *values;  // [positions, groups, width] with `stride` between positions
  std::int64_t positions, stride;
  std::int64_t width;  // of a head: a multiple of 32, at most 256
  std::int64_t first, count, share;
  float scale;
  bf16* out;  // of the first of these heads: [count, width]
};

// Sums are in fp32, and so are the probabilities. Positions are read once, in order, however many
// heads there are.
void attend(const Row& row, tiles::Workspace& workspace);

}  // namespace kernels::bf16_cache
