#pragma once

#include "kernels/ahead.h"
#include "kernels/loops.h"
#include "kernels/tiles.h"

// Small products of bf16 matrices with sums in fp32, by AVX-512 BF16. Callers check available()
// first.
namespace kernels::bf16_tiles {

constexpr std::int64_t kColumns = 64;  // of a tile

bool available();

}  // namespace kernels::bf16_tiles

namespace kernels::tiles {

using loops::bf16;
using Words = Rows<bf16>;

// `ahead` is fetched meanwhile.
void multiply(const Left& left, const Right<std::uint32_t>& right, const Target& to,
              const Extent& extent, const Ahead& ahead = {});
void add_product(const Left& left, const Right<std::uint32_t>& right, const Target& to,
                 const Extent& extent);

// The right matrix of a product with the rows' transpose: word (k, at + i) holds numbers 2k and
// 2k+1 of row i. `row`: words of a row of the result. Zeros follow the rows up to a multiple of 16.
// rows.width is a multiple of 32.
void pack_transposed(const Words& rows, std::int64_t count, std::int64_t at, std::int64_t row,
                     std::uint32_t* to);

// The right matrix of a product with the rows themselves: word (k, j) holds number j of rows 2k and
// 2k+1. Zeros follow up to a multiple of 16 rows. rows.width is a multiple of 32.
void pack_pairs(const Words& rows, std::int64_t count, std::uint32_t* to);

// Rows of sums [count, width], times `factor`, as bf16 `stride` apart. width: a multiple of 16.
void store_rows(const float* sums, std::int64_t count, std::int64_t width, float factor, bf16* to,
                std::int64_t stride);

}  // namespace kernels::tiles
