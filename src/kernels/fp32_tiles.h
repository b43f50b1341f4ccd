#pragma once

#include <cstdint>

#include "kernels/ahead.h"

// Products of a few rows with a large matrix in fp32 by AVX2, for processors that have nothing
// narrower to multiply. Callers check available() first.
namespace kernels::fp32 {

constexpr std::int64_t kRows = 6, kColumns = 64;  // of a tile

bool available();

// kColumns columns of a matrix: values [inputs, kColumns] to strips of 16 columns,
// [kColumns / 16, inputs, 16].
void pack(const float* values, std::int64_t inputs, float* strips);

// `count` rows, 1 to kRows, `stride` numbers apart, times packed columns: sums [count, kColumns].
// `ahead` is fetched meanwhile.
void multiply(const float* rows, std::int64_t stride, std::int64_t count, const float* strips,
              std::int64_t inputs, float* sums, const Ahead& ahead = {});

}  // namespace kernels::fp32
