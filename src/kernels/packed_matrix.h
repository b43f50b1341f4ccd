#pragma once

#include <cstdint>

#include <torch/types.h>

#include "kernels/few_rows.h"

namespace kernels {

// A bf16 matrix laid out once as products of some rows with it read it from front to back, on a
// processor with AVX-512 BF16: for decoding, where reading the matrix is what takes the time.
class PackedMatrix {
 public:
  // Whether a weight [in, out] can be packed here: bf16, on such a processor, 32 divides `in`, and
  // its rows or its columns are contiguous.
  static bool takes(const torch::Tensor& weight);

  PackedMatrix() = default;
  explicit PackedMatrix(const torch::Tensor& weight);  // copies

  bool defined() const { return panels_.defined(); }
  std::int64_t columns() const { return columns_; }

  // x [T, in] bf16 times the matrix, with what `more` adds on the way: [T, out], bf16. Sums are in
  // fp32 up to the end. No gradient. Throws base::Error where sizes or types do not fit, as the
  // next.
  torch::Tensor multiply(const torch::Tensor& x, const FewRows& more = {}) const;
  // The product alone, in fp32, into the first `out` columns of rows [T, at least out] float.
  void multiply_into(torch::Tensor& rows, const torch::Tensor& x) const;

 private:
  void check_rows(const torch::Tensor& x) const;

  torch::Tensor panels_;  // [panels, in / 2, kColumns, 2]: pairs along `in`
  std::int64_t columns_ = 0;
};

}  // namespace kernels
