#pragma once

#include <torch/types.h>

namespace kernels {

// Products of a few rows with a large matrix on a GPU, as decoding one sequence makes them: they
// take as long as reading the matrix does, which libtorch's products of matrices do not reach.

// Whether our kernel takes them: at most four rows, no gradient, the matrix's columns (of weight
// [in, out]) contiguous.
bool are_few_rows(const torch::Tensor& x, const torch::Tensor& weight);

enum class Then { nothing, gelu_tanh };

// x [T, in] times weight [in, out] and bias [out] where there is one, into `out` [T, out], whose
// rows are contiguous.
void few_rows_out(torch::Tensor& out, const torch::Tensor& x, const torch::Tensor& weight,
                  const torch::Tensor& bias, Then then = Then::nothing);

}  // namespace kernels
