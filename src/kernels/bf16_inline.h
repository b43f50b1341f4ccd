#pragma once

#include <cstdint>

#include <immintrin.h>

// What the kernels in bf16 by AVX-512 are made of; for their .cpp files alone, whose functions have
// the same target.
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")

namespace kernels::vectors {

// e^x, x at most about 0, relative error below 1e-5, which bf16 does not see.
inline __m512 exponential(__m512 x) {
  // The order of the two matters: of a number and NaN the instruction returns the second.
  x = _mm512_max_ps(_mm512_set1_ps(-110.f), _mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)));
  const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 r = _mm512_sub_ps(x, whole);  // in [-.5, .5]: 2^r by its series
  __m512 p = _mm512_set1_ps(1.3333558e-3f);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(9.6181291e-3f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.5504109e-2f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(.24022651f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(.69314718f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.f));
  return _mm512_scalef_ps(p, whole);
}

inline __mmask16 first_lanes(std::int64_t n) {
  return n >= 16 ? static_cast<__mmask16>(0xFFFF)
                 : static_cast<__mmask16>((1u << (n > 0 ? n : 0)) - 1);
}

inline __m256i to_bf16(__m512 x) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)); }

// Words whose lower halves are the one's numbers and whose upper halves are the other's.
inline __m512i word(__m256i low, __m256i high) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(low),
                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

inline __m512bh as_pairs(__m512i words) { return reinterpret_cast<__m512bh>(words); }

}  // namespace kernels::vectors

#pragma GCC pop_options
