#pragma once

#include <cstdint>
#include <string>

#include <torch/types.h>

#include "kernels/few_rows.h"

namespace kernels {

// What the numbers of a matrix are kept as for decoding: as they are computed with, or rounded to 8
// bits with a scale for each column (kernels/int8_tiles.h), which is half as much to read as bf16.
enum class MatrixNumbers { computed, int8 };
// "computed" or "int8". Throws base::Error(usage) for another name.
MatrixNumbers matrix_numbers(const std::string& name);

// A matrix laid out once as products of some rows with it read it from front to back, on the
// processor: for decoding, where reading the matrix is what takes the time.
class PackedMatrix {
 public:
  // Whether a weight [in, out], not empty, can be packed here. As computed: fp32 on a processor
  // with AVX2 and FMA; bf16 on one with AVX-512 BF16, where 32 divides `in` and rows or columns are
  // contiguous; none where the default backend is the reference. In int8: bf16 or fp32.
  static bool takes(const torch::Tensor& weight, MatrixNumbers numbers = MatrixNumbers::computed);

  PackedMatrix() = default;
  explicit PackedMatrix(const torch::Tensor& weight,
                        MatrixNumbers numbers = MatrixNumbers::computed);  // copies

  bool defined() const { return panels_.defined(); }
  std::int64_t columns() const { return columns_; }

  // x [T, in] of the matrix's type times the matrix, with what `more` adds on the way: [T, out], of
  // that type. Sums are in fp32 up to the end; of int8, the rows are rounded to 8 bits, too. No
  // gradient. Throws base::Error where sizes or types do not fit, as the next.
  torch::Tensor multiply(const torch::Tensor& x, const FewRows& more = {}) const;
  // The product alone, in fp32, into the first `out` columns of rows [T, at least out] float.
  void multiply_into(torch::Tensor& rows, const torch::Tensor& x) const;

 private:
  void check_rows(const torch::Tensor& x) const;
  template <class F>
  void products(const torch::Tensor& x, const F& f) const;

  // Of 64 columns each: of fp32 [panels, 4, in, 16]; of bf16 [panels, in / 2, 64, 2], pairs along
  // `in`; of int8 [panels, in / 4, 64, 4], fours, `in` rounded up to whole blocks.
  torch::Tensor panels_;
  torch::Tensor scales_;  // of int8, [panels, 64] float
  torch::Dtype type_ = torch::kBFloat16;
  std::int64_t inputs_ = 0, columns_ = 0;
};

}  // namespace kernels
