#pragma once

#include <torch/types.h>

namespace kernels {

// Rows of a sparse matrix, one after another, to be added up: row k is
// (columns, values)[begins[k] … begins[k + 1]) and goes to row owners[k] of the sum. Columns may
// repeat within a row.
struct SparseRows {
  torch::Tensor begins;   // [K + 1] int64, not falling
  torch::Tensor owners;   // [K] int64, not falling, below B
  torch::Tensor columns;  // [Z] int32, below N
  torch::Tensor values;   // [Z] float
};

// [B, N]: out[b] = sum over rows k with owners[k] = b of weights[k] * row k. weights: [K] float.
// Differentiable in the weights; each element is added up in one order, whatever the threads.
torch::Tensor sum_sparse_rows(const torch::Tensor& weights, const SparseRows& rows,
                              std::int64_t batch, std::int64_t width);

// The same by libtorch's own operations: the oracle in tests.
torch::Tensor sum_sparse_rows_reference(const torch::Tensor& weights, const SparseRows& rows,
                                        std::int64_t batch, std::int64_t width);

}  // namespace kernels
