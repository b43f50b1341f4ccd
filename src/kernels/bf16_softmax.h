#pragma once

#include <cstdint>

#include "kernels/loops.h"

// The softmax of attention in bf16 (tiled_attention.h) and its gradient, a row or two at a time, by
// AVX-512. Callers check bf16_tiles::available() first.
namespace kernels::bf16_softmax {

using loops::bf16;
using loops::SoftenedRow;

// scores: a row's, of which it sees the first `seen`. Writes exp(scale * (score - largest)) to
// `weights` up to `width`: 0 behind what it sees, 2^-110 for a score of -infinity. Returns their
// sum and the logarithm of the sum of exp(scale * score).
SoftenedRow soften(const float* scores, std::int64_t seen, std::int64_t width, float scale,
                   bf16* weights);

// Probabilities p of two neighbouring rows from their scores, and the gradients g of the scores
// from those of the probabilities: g = scale * p * (by_p - sum p by_p). Both as pairs of the two
// rows, and g by row as well, up to `width` columns; the pairs are 0 for 16 columns more.
struct Row {
  float *scores, *by_probability;  // the first becomes the probabilities
  std::int64_t seen = 0;           // 0: there is no such row
  float log_sum = 0;
  bf16* by_score = nullptr;
};
void pair_up(Row& even, Row& odd, std::int64_t width, float scale, std::uint32_t* probabilities,
             std::uint32_t* by_scores);

}  // namespace kernels::bf16_softmax
