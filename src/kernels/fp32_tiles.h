#pragma once

#include <cstdint>

#include "kernels/ahead.h"
#include "kernels/tiles.h"

// Products of matrices in fp32 by AVX2 and FMA. Callers check available() first. No array needs to
// be aligned.
namespace kernels::fp32 {

constexpr std::int64_t kStrip = 16;  // columns whose sums for all rows of a tile stay in registers

bool available();

// A few rows times a large matrix, a panel of its columns at a time.
constexpr std::int64_t kRows = tiles::kRows, kColumns = 64;

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

// Small products: those of bf16_tiles.h in fp32.
namespace kernels::tiles {

// extent.columns is fp32::kStrip, a strip of the right matrix.
void multiply(const Left& left, const Right<float>& right, const Target& to, const Extent& extent);
void add_product(const Left& left, const Right<float>& right, const Target& to,
                 const Extent& extent);

// The right matrix of a product with the rows' transpose, as strips [count / fp32::kStrip
// rounded up, rows.width, fp32::kStrip]: number (k, i) is number k of row i. Zeros follow the rows.
// rows.width is a multiple of 8.
void pack_transposed(const Rows<float>& rows, std::int64_t count, float* strips);

// The right matrix of a product with the rows themselves, as strips [rows.width / fp32::kStrip,
// `steps`, fp32::kStrip], from the strips' first step on. Zeros follow up to a multiple of 16 rows.
// rows.width is a multiple of fp32::kStrip.
void pack_rows(const Rows<float>& rows, std::int64_t count, std::int64_t steps, float* strips);

// Rows of sums [count, width], times `factor`, `stride` apart. width: a multiple of 8.
void store_rows(const float* sums, std::int64_t count, std::int64_t width, float factor, float* to,
                std::int64_t stride);

}  // namespace kernels::tiles
