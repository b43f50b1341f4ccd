#pragma once

#include <cstdint>

#include "kernels/bf16_softmax.h"
#include "kernels/bf16_tiles.h"
#include "kernels/fp32_tiles.h"
#include "kernels/loops.h"

// What attention in tiles does otherwise in bf16 than in fp32; for tiled_attention.cpp alone.
namespace kernels::tiled_attention {

using loops::bf16;
using loops::SoftenedRow;
using tiles::Rows;

// A right matrix as it was packed: `steps` words along the axis that is summed over.
template <class Word>
struct Packed {
  Word* data = nullptr;
  std::int64_t steps = 0, columns = 0;

  std::int64_t size() const { return steps * columns; }
};

template <class Number>
struct Arithmetic;

template <>
struct Arithmetic<bf16> {
  using Word = std::uint32_t;
  static constexpr std::int64_t kNumbers = 2;  // in a word
  static constexpr std::int64_t kColumns = bf16_tiles::kColumns;
  // Whether weights take the place of scores: not where they are half as wide.
  static constexpr bool kInPlace = false;

  static bool available(std::int64_t width) { return bf16_tiles::available() && width % 32 == 0; }

  // Packed matrices are [steps, columns].
  static tiles::Right<Word> from(const Packed<Word>& matrix, std::int64_t step,
                                 std::int64_t column) {
    return {matrix.data + step * matrix.columns + column, matrix.columns};
  }
  static void pack_transposed(const Rows<bf16>& rows, std::int64_t count, std::int64_t at,
                              const Packed<Word>& to) {
    tiles::pack_transposed(rows, count, at, to.columns, to.data);
  }
  static void pack_rows(const Rows<bf16>& rows, std::int64_t count, std::int64_t at,
                        const Packed<Word>& to) {
    tiles::pack_pairs(rows, count, to.data + at / kNumbers * to.columns);
  }

  static SoftenedRow soften(const float* scores, std::int64_t seen, std::int64_t width, float scale,
                            bf16* weights) {
    return bf16_softmax::soften(scores, seen, width, scale, weights);
  }
};

template <>
struct Arithmetic<float> {
  using Word = float;
  static constexpr std::int64_t kNumbers = 1;
  static constexpr std::int64_t kColumns = fp32::kStrip;
  static constexpr bool kInPlace = true;

  static bool available(std::int64_t width) { return fp32::available() && width % 16 == 0; }

  // Packed matrices are strips, [columns / kColumns, steps, kColumns].
  static tiles::Right<Word> from(const Packed<Word>& matrix, std::int64_t step,
                                 std::int64_t column) {
    return {matrix.data + column * matrix.steps + step * kColumns, kColumns};
  }
  static void pack_transposed(const Rows<float>& rows, std::int64_t count, std::int64_t at,
                              const Packed<Word>& to) {
    tiles::pack_transposed(rows, count, to.data + at * to.steps);
  }
  static void pack_rows(const Rows<float>& rows, std::int64_t count, std::int64_t at,
                        const Packed<Word>& to) {
    tiles::pack_rows(rows, count, to.steps, to.data + at * kColumns);
  }

  static SoftenedRow soften(float* scores, std::int64_t seen, std::int64_t width, float scale,
                            float* /*the same*/) {
    return loops::soften(scores, seen, width, scale);
  }
};

}  // namespace kernels::tiled_attention
