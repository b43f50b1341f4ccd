#include "kernels/bf16_softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/bf16_inline.h"

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")

namespace kernels::bf16_softmax {

using namespace vectors;

namespace {

float make_probabilities(Row& row, std::int64_t width, float scale) {
  const __m512 by = _mm512_set1_ps(scale), shift = _mm512_set1_ps(-row.log_sum);
  __m512 dot = _mm512_setzero_ps();
  for (std::int64_t j = 0; j < width; j += 16) {
    const __m512 p = _mm512_maskz_mov_ps(
        first_lanes(row.seen - j),
        exponential(_mm512_fmadd_ps(_mm512_loadu_ps(row.scores + j), by, shift)));
    _mm512_storeu_ps(row.scores + j, p);
    dot = _mm512_mask3_fmadd_ps(p, _mm512_loadu_ps(row.by_probability + j), dot,
                                first_lanes(row.seen - j));
  }
  return _mm512_reduce_add_ps(dot);
}

inline __m512 load_seen(const Row& row, const float* from, std::int64_t j) {
  return _mm512_maskz_loadu_ps(first_lanes(row.seen - j), from + j);
}

inline __m256i score_gradient(const Row& row, std::int64_t j, __m512 p, __m512 scale, __m512 dot) {
  return to_bf16(_mm512_mul_ps(_mm512_mul_ps(scale, p),
                               _mm512_sub_ps(load_seen(row, row.by_probability, j), dot)));
}

}  // namespace

SoftenedRow soften(const float* scores, std::int64_t seen, std::int64_t width, float scale,
                   bf16* weights) {
  const __m512 none = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  __m512 most = none;
  for (std::int64_t j = 0; j < seen; j += 16)
    most = _mm512_max_ps(most, _mm512_mask_loadu_ps(none, first_lanes(seen - j), scores + j));
  const float largest = _mm512_reduce_max_ps(most);
  const __m512 by = _mm512_set1_ps(scale), shift = _mm512_set1_ps(-largest * scale);
  __m512 sum = _mm512_setzero_ps();
  for (std::int64_t j = 0; j < width; j += 16) {
    const __m512 e =
        _mm512_maskz_mov_ps(first_lanes(seen - j),
                            exponential(_mm512_fmadd_ps(_mm512_loadu_ps(scores + j), by, shift)));
    sum = _mm512_add_ps(sum, e);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(weights + j), to_bf16(e));
  }
  const float total = _mm512_reduce_add_ps(sum);
  return {total, largest * scale + std::log(total)};
}

void pair_up(Row& even, Row& odd, std::int64_t width, float scale, std::uint32_t* probabilities,
             std::uint32_t* by_scores) {
  const __m512 by = _mm512_set1_ps(scale);
  const __m512 dot_even = _mm512_set1_ps(make_probabilities(even, width, scale)),
               dot_odd = _mm512_set1_ps(odd.seen > 0 ? make_probabilities(odd, width, scale) : 0.f);
  for (std::int64_t j = 0; j < width; j += 16) {
    const __m512 p = load_seen(even, even.scores, j), q = load_seen(odd, odd.scores, j);
    const __m256i g = score_gradient(even, j, p, by, dot_even),
                  h = score_gradient(odd, j, q, by, dot_odd);
    _mm512_storeu_si512(probabilities + j, word(to_bf16(p), to_bf16(q)));
    _mm512_storeu_si512(by_scores + j, word(g, h));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(even.by_score + j), g);
    if (odd.seen > 0) _mm256_storeu_si256(reinterpret_cast<__m256i*>(odd.by_score + j), h);
  }
  _mm512_storeu_si512(probabilities + width, _mm512_setzero_si512());
  _mm512_storeu_si512(by_scores + width, _mm512_setzero_si512());
}

}  // namespace kernels::bf16_softmax

#pragma GCC pop_options
