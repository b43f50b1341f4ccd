#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/int8_tiles.h"
#include "kernels/loops_inline.h"

namespace kernels::int8 {
namespace {

using loops::load;

constexpr float kLeast = 1e-30f;  // numbers of which none is larger count as 0

// The nearest whole number, of |x| < 2^22.
ATTUNE_INLINE std::int32_t nearest(float x) {
  return std::bit_cast<std::int32_t>(x + 12582912.f) - std::bit_cast<std::int32_t>(12582912.f);
}

struct Block {
  float scale;
  std::int32_t offset;
};
template <class T>
ATTUNE_INLINE Block quantise_block(const T* x, std::int64_t n, std::int8_t* q) {
  float largest = 0, poison = 0;  // a comparison would lose what is no number
#pragma omp simd reduction(max : largest) reduction(+ : poison)
  for (std::int64_t i = 0; i < n; ++i) {
    const float size = std::fabs(load(x + i));
    largest = size > largest ? size : largest;
    poison += size * 0.f;
  }
  const float factor = largest > kLeast && poison == 0 ? 127.f / largest : 0.f;
  std::int32_t sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int32_t whole = factor > 0 ? nearest(load(x + i) * factor) : 0;
    q[i] = static_cast<std::int8_t>(whole);
    sum += whole;
  }
  return {largest / 127.f + poison, -128 * sum};
}

template <class T>
ATTUNE_INLINE void quantise_row_body(const T* x, std::int64_t n, std::int8_t* q, float* scales,
                                     std::int32_t* offsets) {
  for (std::int64_t b = 0; b < blocks_of(n); ++b) {
    const std::int64_t begin = b * kBlock, size = std::min(kBlock, n - begin);
    std::fill(q + begin + size, q + begin + kBlock, std::int8_t{0});
    const Block block = size == kBlock ? quantise_block(x + begin, kBlock, q + begin)
                                       : quantise_block(x + begin, size, q + begin);
    scales[b] = block.scale;
    offsets[b] = block.offset;
  }
}

}  // namespace

ATTUNE_CLONES void quantise_row(const float* x, std::int64_t n, std::int8_t* q, float* scales,
                                std::int32_t* offsets) {
  quantise_row_body(x, n, q, scales, offsets);
}
ATTUNE_CLONES void quantise_row(const bf16* x, std::int64_t n, std::int8_t* q, float* scales,
                                std::int32_t* offsets) {
  quantise_row_body(x, n, q, scales, offsets);
}

ATTUNE_CLONES void pack(const float* values, std::int64_t rows, std::uint32_t* words,
                        float* scales) {
  float largest[kColumns] = {}, poison[kColumns] = {}, factors[kColumns];
  for (std::int64_t i = 0; i < rows; ++i)
#pragma omp simd
    for (std::int64_t j = 0; j < kColumns; ++j) {
      const float size = std::fabs(values[i * kColumns + j]);
      largest[j] = size > largest[j] ? size : largest[j];
      poison[j] += size * 0.f;
    }
  for (std::int64_t j = 0; j < kColumns; ++j) {
    scales[j] = largest[j] / 127.f + poison[j];
    factors[j] = largest[j] > kLeast && poison[j] == 0 ? 127.f / largest[j] : 0.f;
  }
  for (std::int64_t i = 0; i < rows; i += 4)
#pragma omp simd
    for (std::int64_t j = 0; j < kColumns; ++j) {
      std::uint32_t word = 0;
      for (std::int64_t k = 0; k < 4; ++k) {
        const float scaled = factors[j] > 0 ? values[(i + k) * kColumns + j] * factors[j] : 0.f;
        word |= static_cast<std::uint32_t>(nearest(scaled) + 128) << (8 * k);
      }
      words[i / 4 * kColumns + j] = word;
    }
}

ATTUNE_CLONES void multiply_plainly(const Rows& rows, std::int64_t count,
                                    const std::uint32_t* words, const float* column_scales,
                                    float* sums, const Ahead&) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(words);
  for (std::int64_t r = 0; r < count; ++r) {
    float* to = sums + r * kColumns;
    std::fill(to, to + kColumns, 0.f);
    for (std::int64_t b = 0; b < rows.blocks; ++b) {
      std::int32_t whole[kColumns];
      std::fill(whole, whole + kColumns, rows.offsets[r * rows.blocks + b]);
      const std::int8_t* q = rows.q + (r * rows.blocks + b) * kBlock;
      const std::uint8_t* block = bytes + b * kBlock * kColumns;
      for (std::int64_t k = 0; k < kBlock; k += 4)
        for (std::int64_t j = 0; j < kColumns; ++j)
          for (std::int64_t i = 0; i < 4; ++i)
            whole[j] += block[k * kColumns + 4 * j + i] * q[k + i];
      const float scale = rows.scales[r * rows.blocks + b];
      for (std::int64_t j = 0; j < kColumns; ++j) to[j] += scale * static_cast<float>(whole[j]);
    }
    for (std::int64_t j = 0; j < kColumns; ++j) to[j] *= column_scales[j];
  }
}

}  // namespace kernels::int8
