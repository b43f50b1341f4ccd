#include "kernels/fp32_tiles.h"

#include <algorithm>
#include <cassert>
#include <type_traits>

#include <immintrin.h>

namespace kernels::fp32 {

bool available() {
  static const bool there = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return there;
}

void pack(const Columns& matrix, std::int64_t inputs, float* strips) {
  for (std::int64_t first = 0; first < kColumns; first += kStrip) {
    const std::int64_t there = std::clamp<std::int64_t>(matrix.columns - first, 0, kStrip);
    for (std::int64_t i = 0; i < inputs; ++i, strips += kStrip) {
      const float* from = matrix.data + i * matrix.row + first * matrix.column;
      for (std::int64_t j = 0; j < there; ++j) strips[j] = from[j * matrix.column];
      std::fill(strips + there, strips + kStrip, 0.f);
    }
  }
}

}  // namespace kernels::fp32

#pragma GCC push_options
#pragma GCC target("avx2,fma")

namespace kernels::fp32 {
namespace {

// R rows times one strip: kStrip columns of `to`. Step: 1, or a number known when it runs.
template <int R, bool adds, class Step>
void multiply_strip(const float* left, std::int64_t row, Step step, const float* right,
                    std::int64_t right_row, std::int64_t steps, float* to, std::int64_t to_row,
                    const Ahead& ahead) {
  constexpr std::int64_t kSteps = 8;  // between one fetch and the next
  Ahead next = ahead;
  const std::int64_t lines = next.lines_each(std::max<std::int64_t>(1, steps / kSteps));
  __m256 low[R], high[R];
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
    low[r] = adds ? _mm256_loadu_ps(to + r * to_row) : _mm256_setzero_ps();
    high[r] = adds ? _mm256_loadu_ps(to + r * to_row + 8) : _mm256_setzero_ps();
  }
  const auto one = [&](std::int64_t k) __attribute__((always_inline)) {
    const __m256 a = _mm256_loadu_ps(right + k * right_row),
                 b = _mm256_loadu_ps(right + k * right_row + 8);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      const __m256 x = _mm256_broadcast_ss(left + r * row + k * step);
      low[r] = _mm256_fmadd_ps(x, a, low[r]);
      high[r] = _mm256_fmadd_ps(x, b, high[r]);
    }
  };
  std::int64_t k = 0;
  for (; k + kSteps <= steps; k += kSteps) {
    next.fetch(lines);
#pragma GCC unroll 4
    for (std::int64_t j = 0; j < kSteps; ++j) one(k + j);
  }
  for (; k < steps; ++k) one(k);
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
    _mm256_storeu_ps(to + r * to_row, low[r]);
    _mm256_storeu_ps(to + r * to_row + 8, high[r]);
  }
}

using One = std::integral_constant<std::int64_t, 1>;

template <bool adds, class Step>
void run(const tiles::Left& left, Step step, const tiles::Right<float>& right,
         const tiles::Target& to, const tiles::Extent& extent, const Ahead& ahead) {
  using Multiply = void (*)(const float*, std::int64_t, Step, const float*, std::int64_t,
                            std::int64_t, float*, std::int64_t, const Ahead&);
  static constexpr Multiply kOf[kRows] = {
      multiply_strip<1, adds, Step>, multiply_strip<2, adds, Step>, multiply_strip<3, adds, Step>,
      multiply_strip<4, adds, Step>, multiply_strip<5, adds, Step>, multiply_strip<6, adds, Step>};
  kOf[extent.rows - 1](static_cast<const float*>(left.data), left.row, step, right.data, right.row,
                       extent.steps, to.data, to.row, ahead);
}

template <bool adds>
void run(const tiles::Left& left, const tiles::Right<float>& right, const tiles::Target& to,
         const tiles::Extent& extent) {
  assert(extent.columns == kStrip);
  if (left.step == 1)
    run<adds>(left, One{}, right, to, extent, {});
  else
    run<adds>(left, left.step, right, to, extent, {});
}

void transpose(__m256 (&x)[8]) {
  __m256 y[8];
  for (int i = 0; i < 8; i += 2) {
    y[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
    y[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    x[i] = _mm256_shuffle_ps(y[i], y[i + 2], 0x44);
    x[i + 1] = _mm256_shuffle_ps(y[i], y[i + 2], 0xEE);
    x[i + 2] = _mm256_shuffle_ps(y[i + 1], y[i + 3], 0x44);
    x[i + 3] = _mm256_shuffle_ps(y[i + 1], y[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; ++i) {  // halves of rows i and i + 4
    y[i] = _mm256_permute2f128_ps(x[i], x[i + 4], 0x20);
    y[i + 4] = _mm256_permute2f128_ps(x[i], x[i + 4], 0x31);
  }
  for (int i = 0; i < 8; ++i) x[i] = y[i];
}

}  // namespace

void multiply(const float* rows, std::int64_t stride, std::int64_t count, const float* strips,
              std::int64_t inputs, float* sums, const Ahead& ahead) {
  for (std::int64_t first = 0; first < kColumns; first += kStrip)
    run<false>({rows, stride, 1}, One{}, {strips + first * inputs, kStrip},
               {sums + first, kColumns}, {count, kStrip, inputs},
               ahead.part(first / kStrip, kColumns / kStrip));
}

}  // namespace kernels::fp32

namespace kernels::tiles {

using fp32::kStrip;

void multiply(const Left& left, const Right<float>& right, const Target& to, const Extent& extent) {
  fp32::run<false>(left, right, to, extent);
}

void add_product(const Left& left, const Right<float>& right, const Target& to,
                 const Extent& extent) {
  fp32::run<true>(left, right, to, extent);
}

void pack_transposed(const Rows<float>& rows, std::int64_t count, float* strips) {
  for (std::int64_t i = 0; i < count; i += kStrip, strips += rows.width * kStrip)
    for (std::int64_t half = 0; half < kStrip; half += 8)
      for (std::int64_t k = 0; k < rows.width; k += 8) {
        __m256 block[8];
        for (std::int64_t r = 0; r < 8; ++r)
          block[r] = i + half + r < count
                         ? _mm256_loadu_ps(rows.data + (i + half + r) * rows.stride + k)
                         : _mm256_setzero_ps();
        fp32::transpose(block);
        for (std::int64_t r = 0; r < 8; ++r)
          _mm256_storeu_ps(strips + (k + r) * kStrip + half, block[r]);
      }
}

void pack_rows(const Rows<float>& rows, std::int64_t count, std::int64_t steps, float* strips) {
  const std::int64_t end = (count + 15) / 16 * 16;
  for (std::int64_t i = 0; i < end; ++i)
    for (std::int64_t j = 0; j < rows.width; j += kStrip) {
      const float* from = rows.data + i * rows.stride + j;
      float* to = strips + j * steps + i * kStrip;
      _mm256_storeu_ps(to, i < count ? _mm256_loadu_ps(from) : _mm256_setzero_ps());
      _mm256_storeu_ps(to + 8, i < count ? _mm256_loadu_ps(from + 8) : _mm256_setzero_ps());
    }
}

void store_rows(const float* sums, std::int64_t count, std::int64_t width, float factor, float* to,
                std::int64_t stride) {
  const __m256 by = _mm256_set1_ps(factor);
  for (std::int64_t i = 0; i < count; ++i)
    for (std::int64_t j = 0; j < width; j += 8)
      _mm256_storeu_ps(to + i * stride + j,
                       _mm256_mul_ps(by, _mm256_loadu_ps(sums + i * width + j)));
}

}  // namespace kernels::tiles

#pragma GCC pop_options
