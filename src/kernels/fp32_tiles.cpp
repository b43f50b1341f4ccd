#include "kernels/fp32_tiles.h"

#include <algorithm>

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

// R rows times one strip: sums [R, kColumns], of which this writes kStrip columns.
template <int R>
void multiply_strip(const float* rows, std::int64_t stride, const float* strip, std::int64_t inputs,
                    float* sums, const Ahead& ahead) {
  constexpr std::int64_t kSteps = 8;  // between one fetch and the next
  Ahead next = ahead;
  const std::int64_t lines = next.lines_each(std::max<std::int64_t>(1, inputs / kSteps));
  __m256 low[R], high[R];
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) low[r] = high[r] = _mm256_setzero_ps();
  const auto step = [&](std::int64_t i) __attribute__((always_inline)) {
    const __m256 a = _mm256_loadu_ps(strip + i * kStrip),
                 b = _mm256_loadu_ps(strip + i * kStrip + 8);
#pragma GCC unroll 6
    for (int r = 0; r < R; ++r) {
      const __m256 x = _mm256_broadcast_ss(rows + r * stride + i);
      low[r] = _mm256_fmadd_ps(x, a, low[r]);
      high[r] = _mm256_fmadd_ps(x, b, high[r]);
    }
  };
  std::int64_t i = 0;
  for (; i + kSteps <= inputs; i += kSteps) {
    next.fetch(lines);
#pragma GCC unroll 4
    for (std::int64_t j = 0; j < kSteps; ++j) step(i + j);
  }
  for (; i < inputs; ++i) step(i);
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
    _mm256_storeu_ps(sums + r * kColumns, low[r]);
    _mm256_storeu_ps(sums + r * kColumns + 8, high[r]);
  }
}

using Multiply = void (*)(const float*, std::int64_t, const float*, std::int64_t, float*,
                          const Ahead&);

}  // namespace

void multiply(const float* rows, std::int64_t stride, std::int64_t count, const float* strips,
              std::int64_t inputs, float* sums, const Ahead& ahead) {
  static constexpr Multiply kOf[kRows] = {multiply_strip<1>, multiply_strip<2>, multiply_strip<3>,
                                          multiply_strip<4>, multiply_strip<5>, multiply_strip<6>};
  for (std::int64_t first = 0; first < kColumns; first += kStrip)
    kOf[count - 1](rows, stride, strips + first * inputs, inputs, sums + first,
                   ahead.part(first / kStrip, kColumns / kStrip));
}

}  // namespace kernels::fp32

#pragma GCC pop_options
