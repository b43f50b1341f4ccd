#include "kernels/bf16_tiles.h"

#include <algorithm>
#include <cstring>

#include "kernels/bf16_inline.h"

namespace kernels::bf16_tiles {

bool available() {
  static const bool there =
      __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  return there;
}

}  // namespace kernels::bf16_tiles

#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")

namespace kernels::tiles {

using bf16_tiles::kColumns;
using namespace vectors;

namespace {

// R rows and 16 V columns: all sums stay in registers.
template <int R, int V, bool adds, bool fetches>
void tile(const std::uint32_t* left, std::int64_t row, std::int64_t step,
          const std::uint32_t* right, std::int64_t right_row, float* to, std::int64_t to_row,
          std::int64_t steps, const Ahead& ahead) {
  constexpr std::int64_t kSteps = 4;  // between one fetch and the next
  Ahead next = fetches ? ahead : Ahead{};
  const std::int64_t lines = fetches ? next.lines_each((steps + kSteps - 1) / kSteps) : 0;
  __m512 sums[R][V];
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v)
      sums[r][v] = adds ? _mm512_loadu_ps(to + r * to_row + 16 * v) : _mm512_setzero_ps();
  for (std::int64_t k = 0; k < steps; ++k) {
    if constexpr (fetches)
      if (k % kSteps == 0) next.fetch(lines);
    __m512i columns[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) columns[v] = _mm512_loadu_si512(right + k * right_row + 16 * v);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      std::int32_t word;
      std::memcpy(&word, left + r * row + k * step, sizeof word);
      const __m512bh both = as_pairs(_mm512_set1_epi32(word));
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v)
        sums[r][v] = _mm512_dpbf16_ps(sums[r][v], both, as_pairs(columns[v]));
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) _mm512_storeu_ps(to + r * to_row + 16 * v, sums[r][v]);
}

using Tile = void (*)(const std::uint32_t*, std::int64_t, std::int64_t, const std::uint32_t*,
                      std::int64_t, float*, std::int64_t, std::int64_t, const Ahead&);

template <bool adds, bool fetches>
void run(const Left& left, const Right<std::uint32_t>& right, const Target& to,
         const Extent& extent, const Ahead& ahead) {
  static constexpr Tile kTiles[kRows][kColumns / 16] = {
      {tile<1, 1, adds, fetches>, tile<1, 2, adds, fetches>, tile<1, 3, adds, fetches>,
       tile<1, 4, adds, fetches>},
      {tile<2, 1, adds, fetches>, tile<2, 2, adds, fetches>, tile<2, 3, adds, fetches>,
       tile<2, 4, adds, fetches>},
      {tile<3, 1, adds, fetches>, tile<3, 2, adds, fetches>, tile<3, 3, adds, fetches>,
       tile<3, 4, adds, fetches>},
      {tile<4, 1, adds, fetches>, tile<4, 2, adds, fetches>, tile<4, 3, adds, fetches>,
       tile<4, 4, adds, fetches>},
      {tile<5, 1, adds, fetches>, tile<5, 2, adds, fetches>, tile<5, 3, adds, fetches>,
       tile<5, 4, adds, fetches>},
      {tile<6, 1, adds, fetches>, tile<6, 2, adds, fetches>, tile<6, 3, adds, fetches>,
       tile<6, 4, adds, fetches>}};
  kTiles[extent.rows - 1][extent.columns / 16 - 1](static_cast<const std::uint32_t*>(left.data),
                                                   left.row, left.step, right.data, right.row,
                                                   to.data, to.row, extent.steps, ahead);
}

// 32 numbers of row i from column j on; of rows past the last, 0.
inline __m512i load_or_zero(const Words& rows, std::int64_t i, std::int64_t j, std::int64_t count) {
  return i < count ? _mm512_loadu_si512(rows.data + i * rows.stride + j) : _mm512_setzero_si512();
}

// Transposes 16 x 16 words.
void transpose(__m512i (&x)[16]) {
  __m512i y[16];
  for (int i = 0; i < 16; i += 2) {
    y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
    y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
    x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
    x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
    x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {  // quarters of rows i, i + 4, i + 8, i + 12
    y[i] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88);
    y[i + 4] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xDD);
    y[i + 8] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);
    y[i + 12] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xDD);
  }
  for (int i = 0; i < 4; ++i) {
    x[i] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0x88);
    x[i + 8] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0xDD);
    x[i + 4] = _mm512_shuffle_i32x4(y[i + 4], y[i + 12], 0x88);
    x[i + 12] = _mm512_shuffle_i32x4(y[i + 4], y[i + 12], 0xDD);
  }
}

}  // namespace

void multiply(const Left& left, const Right<std::uint32_t>& right, const Target& to,
              const Extent& extent, const Ahead& ahead) {
  (ahead.bytes > 0 ? run<false, true> : run<false, false>)(left, right, to, extent, ahead);
}

void add_product(const Left& left, const Right<std::uint32_t>& right, const Target& to,
                 const Extent& extent) {
  run<true, false>(left, right, to, extent, {});
}

void pack_transposed(const Words& rows, std::int64_t count, std::int64_t at, std::int64_t row,
                     std::uint32_t* to) {
  for (std::int64_t i = 0; i < count; i += 16)
    for (std::int64_t k = 0; k < rows.width / 2; k += 16) {
      __m512i block[16];
      for (std::int64_t r = 0; r < 16; ++r) block[r] = load_or_zero(rows, i + r, 2 * k, count);
      transpose(block);
      for (std::int64_t r = 0; r < 16; ++r)
        _mm512_storeu_si512(to + (k + r) * row + at + i, block[r]);
    }
}

void pack_pairs(const Words& rows, std::int64_t count, std::uint32_t* to) {
  alignas(64) std::uint16_t low[32], high[32];
  for (int i = 0; i < 16; ++i) {
    low[2 * i] = static_cast<std::uint16_t>(i);
    low[2 * i + 1] = static_cast<std::uint16_t>(32 + i);
    high[2 * i] = static_cast<std::uint16_t>(16 + i);
    high[2 * i + 1] = static_cast<std::uint16_t>(48 + i);
  }
  const __m512i first = _mm512_load_si512(low), second = _mm512_load_si512(high);
  const std::int64_t end = (count + 15) / 16 * 16;
  for (std::int64_t i = 0; i < end; i += 2)
    for (std::int64_t j = 0; j < rows.width; j += 32) {
      const __m512i even = load_or_zero(rows, i, j, count),
                    odd = load_or_zero(rows, i + 1, j, count);
      std::uint32_t* words = to + i / 2 * rows.width + j;
      _mm512_storeu_si512(words, _mm512_permutex2var_epi16(even, first, odd));
      _mm512_storeu_si512(words + 16, _mm512_permutex2var_epi16(even, second, odd));
    }
}

void store_rows(const float* sums, std::int64_t count, std::int64_t width, float factor, bf16* to,
                std::int64_t stride) {
  const __m512 by = _mm512_set1_ps(factor);
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t j = 0; j < width; j += 16)
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i * stride + j),
                          reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(
                              _mm512_mul_ps(by, _mm512_loadu_ps(sums + i * width + j)))));
}

}  // namespace kernels::tiles

#pragma GCC pop_options
