#include "kernels/int8_tiles.h"

#include <algorithm>
#include <cstring>

#include <immintrin.h>

namespace kernels::int8 {

bool has_instructions() {
  static const bool there =
      __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return there;
}

}  // namespace kernels::int8

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")

namespace kernels::int8 {
namespace {

// Adds one block's products of R rows with kColumns columns: all whole sums stay in registers.
// `words`: along the block, taken from the caller, as a number that is known makes GCC spread the
// loop over more registers than there are.
template <int R>
void add_block(const Rows& rows, std::int64_t block, std::int64_t words,
               const std::uint32_t* columns, float* sums) {
  const std::int64_t stride = rows.blocks * kBlock;
  const std::int8_t* q = rows.q + block * kBlock;
  __m512i whole[R][4];
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) whole[r][v] = _mm512_setzero_si512();
  for (std::int64_t k = 0; k < words; ++k) {
    __m512i column[4];
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) column[v] = _mm512_loadu_si512(columns + k * kColumns + 16 * v);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      std::int32_t word;
      std::memcpy(&word, q + r * stride + 4 * k, sizeof word);
      const __m512i all = _mm512_set1_epi32(word);
#pragma GCC unroll 4
      for (int v = 0; v < 4; ++v) whole[r][v] = _mm512_dpbusd_epi32(whole[r][v], column[v], all);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
    const __m512 scale = _mm512_set1_ps(rows.scales[r * rows.blocks + block]);
    const __m512i offset = _mm512_set1_epi32(rows.offsets[r * rows.blocks + block]);
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
      float* to = sums + r * kColumns + 16 * v;
      _mm512_storeu_ps(
          to, _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(_mm512_add_epi32(whole[r][v], offset)),
                              _mm512_loadu_ps(to)));
    }
  }
}

using AddBlock = void (*)(const Rows&, std::int64_t, std::int64_t, const std::uint32_t*, float*);

void multiply_by_instructions(const Rows& rows, std::int64_t count, const std::uint32_t* words,
                              const float* column_scales, float* sums) {
  static constexpr AddBlock kAdd[kRows] = {add_block<1>, add_block<2>, add_block<3>,
                                           add_block<4>, add_block<5>, add_block<6>};
  std::fill(sums, sums + count * kColumns, 0.f);
  constexpr std::int64_t kWords = kBlock / 4;
  for (std::int64_t b = 0; b < rows.blocks; ++b)
    kAdd[count - 1](rows, b, kWords, words + b * kWords * kColumns, sums);
  for (std::int64_t r = 0; r < count; ++r)
    for (std::int64_t j = 0; j < kColumns; ++j) sums[r * kColumns + j] *= column_scales[j];
}

}  // namespace

}  // namespace kernels::int8

#pragma GCC pop_options

namespace kernels::int8 {

void multiply(const Rows& rows, std::int64_t count, const std::uint32_t* words,
              const float* column_scales, float* sums) {
  (has_instructions() ? multiply_by_instructions : multiply_plainly)(rows, count, words,
                                                                     column_scales, sums);
}

}  // namespace kernels::int8
