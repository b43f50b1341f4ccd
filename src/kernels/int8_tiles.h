#pragma once

#include <cstdint>
#include <vector>

#include "kernels/ahead.h"
#include "kernels/loops.h"

// Products of rows with a matrix in whole numbers of 8 bits, for reading half as much memory as in
// bf16. A column of the matrix has one scale; a row has one for each block of kBlock numbers, so
// that one large number coarsens its own block only. Sums are whole numbers within a block, and
// fp32 over the blocks. By AVX-512 VNNI or AVX2 where the processor has them, by plain loops
// elsewhere.
namespace kernels::int8 {

using loops::bf16;

constexpr std::int64_t kBlock = 64;
constexpr std::int64_t kRows = 6, kColumns = 64;  // of a tile

// Blocks of n numbers; 0 stand behind the last of them where it is not full.
inline std::int64_t blocks_of(std::int64_t n) { return (n + kBlock - 1) / kBlock; }

// One row of n numbers as q in [-127, 127], x about scale * q, a block's scale its largest |x| over
// 127. offsets: a block's -128 sum(q), which tiles begin with, as they hold the matrix plus 128. A
// block in which a number is no finite one has a scale that is none.
void quantise_row(const float* x, std::int64_t n, std::int8_t* q, float* scales,
                  std::int32_t* offsets);
void quantise_row(const bf16* x, std::int64_t n, std::int8_t* q, float* scales,
                  std::int32_t* offsets);

// kColumns columns of a matrix: values [rows, kColumns], rows whole blocks, to words
// [rows / 4, kColumns] of the four numbers of a column that follow one another, each plus 128 in a
// byte. scales [kColumns]: a column's largest |value| over 127; none where one is no finite number.
void pack(const float* values, std::int64_t rows, std::uint32_t* words, float* scales);

// Rows that were quantised: q [count, blocks * kBlock], scales and offsets [count, blocks].
struct Rows {
  const std::int8_t* q;
  const float* scales;
  const std::int32_t* offsets;
  std::int64_t blocks;

  Rows from(std::int64_t row) const {
    return {q + row * blocks * kBlock, scales + row * blocks, offsets + row * blocks, blocks};
  }
};

// `count` of them, 1 to kRows, times packed columns: sums [count, kColumns]. `ahead` is fetched
// meanwhile, if not by the plain loops.
void multiply(const Rows& rows, std::int64_t count, const std::uint32_t* words,
              const float* column_scales, float* sums, const Ahead& ahead = {});

// The ways to do so that this processor has, the fastest, which the above takes, first.
using Multiply = void (*)(const Rows& rows, std::int64_t count, const std::uint32_t* words,
                          const float* column_scales, float* sums, const Ahead& ahead);
std::vector<Multiply> ways_to_multiply();
// The last of them, plain loops.
void multiply_plainly(const Rows& rows, std::int64_t count, const std::uint32_t* words,
                      const float* column_scales, float* sums, const Ahead& ahead);

}  // namespace kernels::int8
