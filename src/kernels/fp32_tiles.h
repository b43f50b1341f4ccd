#pragma once

#include <cstdint>

#include "kernels/ahead.h"

// Products of a few rows with a large matrix in fp32, by AVX2 and FMA. Callers check available()
// first. No array needs to be aligned.
namespace kernels::fp32 {

constexpr std::int64_t kRows = 6, kColumns = 64;  // of a tile
constexpr std::int64_t kStrip = 16;  // columns whose sums for all rows of a tile stay in registers

bool available();

// Columns of a matrix: number (i, j) stands at data + i * row + j * column, `columns` of them.
struct Columns {
  const float* data;
  std::int64_t row, column;
  std::int64_t columns;  // 1 to kColumns
};
// To strips [kColumns / kStrip, inputs, kStrip]; 0 stands behind the last column.
void pack(const Columns& matrix, std::int64_t inputs, float* strips);

// `count` rows, 1 to kRows, `stride` numbers apart, times packed columns: sums [count, kColumns].
// `ahead` is fetched meanwhile.
void multiply(const float* rows, std::int64_t stride, std::int64_t count, const float* strips,
              std::int64_t inputs, float* sums, const Ahead& ahead = {});

}  // namespace kernels::fp32
