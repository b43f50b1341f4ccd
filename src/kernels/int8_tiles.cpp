#include "kernels/int8_tiles.h"

#include <algorithm>
#include <cstring>

#include <immintrin.h>

namespace kernels::int8 {
namespace {

bool has_vnni() {
  return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

constexpr std::int64_t kWords = kBlock / 4;  // of a block's column

// Adds one block's products of some rows with kColumns columns to sums. `words`: kWords, taken from
// the caller, as a number that is known makes GCC spread the loop over more registers than there
// are.
using AddBlock = void (*)(const Rows& rows, std::int64_t block, std::int64_t words,
                          const std::uint32_t* columns, float* sums);

// add: for one row, two and so on. Compiled with the instructions of its caller.
inline __attribute__((always_inline)) void multiply_by(const AddBlock (&add)[kRows],
                                                       const Rows& rows, std::int64_t count,
                                                       const std::uint32_t* words,
                                                       const float* column_scales, float* sums,
                                                       const Ahead& ahead) {
  Ahead next = ahead;
  const std::int64_t lines = next.lines_each(rows.blocks);
  std::fill(sums, sums + count * kColumns, 0.f);
  for (std::int64_t b = 0; b < rows.blocks; ++b) {
    next.fetch(lines);
    add[count - 1](rows, b, kWords, words + b * kWords * kColumns, sums);
  }
  for (std::int64_t r = 0; r < count; ++r)
    for (std::int64_t j = 0; j < kColumns; ++j) sums[r * kColumns + j] *= column_scales[j];
}

}  // namespace
}  // namespace kernels::int8

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")

namespace kernels::int8 {
namespace {

// All whole sums stay in registers.
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

void multiply_by_vnni(const Rows& rows, std::int64_t count, const std::uint32_t* words,
                      const float* column_scales, float* sums, const Ahead& ahead) {
  static constexpr AddBlock kAdd[kRows] = {add_block<1>, add_block<2>, add_block<3>,
                                           add_block<4>, add_block<5>, add_block<6>};
  multiply_by(kAdd, rows, count, words, column_scales, sums, ahead);
}

}  // namespace
}  // namespace kernels::int8

#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace kernels::int8 {
namespace {

// A row's numbers of a block in 16 bits, as they meet a column's words: of word k its bytes 0 and
// 2, and 1 and 3.
struct Pairs {
  alignas(32) std::int32_t even[kWords], odd[kWords];
};

void widen(const std::int8_t* q, Pairs* to) {
  for (std::int64_t k = 0; k < kWords; k += 8) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(q + 4 * k));
    _mm256_store_si256(reinterpret_cast<__m256i*>(to->even + k),
                       _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8));
    _mm256_store_si256(reinterpret_cast<__m256i*>(to->odd + k), _mm256_srai_epi16(bytes, 8));
  }
}

// 8 V columns at a time, whose whole sums stay in registers. Bytes are multiplied in 16 bits and
// two products added in 32, so that nothing saturates.
template <int R, int V>
void add_wide_block(const Rows& rows, std::int64_t block, std::int64_t words,
                    const std::uint32_t* columns, float* sums) {
  Pairs pairs[R];
  for (int r = 0; r < R; ++r) widen(rows.q + (r * rows.blocks + block) * kBlock, pairs + r);
  const __m256i low_bytes = _mm256_set1_epi16(0xFF);
  for (std::int64_t first = 0; first < kColumns; first += 8 * V) {
    __m256i whole[R][V];
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) whole[r][v] = _mm256_setzero_si256();
    for (std::int64_t k = 0; k < words; ++k) {
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        const __m256i fours = _mm256_loadu_si256(
            reinterpret_cast<const __m256i*>(columns + k * kColumns + first + 8 * v));
        const __m256i even = _mm256_and_si256(fours, low_bytes), odd = _mm256_srli_epi16(fours, 8);
#pragma GCC unroll 6
        for (int r = 0; r < R; ++r) {
          whole[r][v] = _mm256_add_epi32(
              whole[r][v], _mm256_madd_epi16(even, _mm256_set1_epi32(pairs[r].even[k])));
          whole[r][v] = _mm256_add_epi32(
              whole[r][v], _mm256_madd_epi16(odd, _mm256_set1_epi32(pairs[r].odd[k])));
        }
      }
    }
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      const __m256 scale = _mm256_set1_ps(rows.scales[r * rows.blocks + block]);
      const __m256i offset = _mm256_set1_epi32(rows.offsets[r * rows.blocks + block]);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        float* to = sums + r * kColumns + first + 8 * v;
        _mm256_storeu_ps(
            to, _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(_mm256_add_epi32(whole[r][v], offset)),
                                _mm256_loadu_ps(to)));
      }
    }
  }
}

void multiply_by_avx2(const Rows& rows, std::int64_t count, const std::uint32_t* words,
                      const float* column_scales, float* sums, const Ahead& ahead) {
  static constexpr AddBlock kAdd[kRows] = {add_wide_block<1, 4>, add_wide_block<2, 2>,
                                           add_wide_block<3, 1>, add_wide_block<4, 1>,
                                           add_wide_block<5, 1>, add_wide_block<6, 1>};
  multiply_by(kAdd, rows, count, words, column_scales, sums, ahead);
}

}  // namespace
}  // namespace kernels::int8

#pragma GCC pop_options

namespace kernels::int8 {

std::vector<Multiply> ways_to_multiply() {
  std::vector<Multiply> ways;
  if (has_vnni()) ways.push_back(multiply_by_vnni);
  if (has_avx2()) ways.push_back(multiply_by_avx2);
  ways.push_back(multiply_plainly);
  return ways;
}

void multiply(const Rows& rows, std::int64_t count, const std::uint32_t* words,
              const float* column_scales, float* sums, const Ahead& ahead) {
  static const Multiply fastest = ways_to_multiply().front();
  fastest(rows, count, words, column_scales, sums, ahead);
}

}  // namespace kernels::int8
