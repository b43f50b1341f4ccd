#pragma once

#include <torch/types.h>

namespace kernels {

// Products of a few rows with a large matrix on a GPU, as decoding one sequence makes them: they
// take as long as reading the matrix does, which libtorch's products of matrices do not reach. The
// matrix, bias, gain and shift are read before what ran just before has ended: it must not write
// them.

// Whether our kernel takes them: at most four rows, no gradient, the matrix's columns (of weight
// [in, out]) contiguous.
bool are_few_rows(const torch::Tensor& x, const torch::Tensor& weight);

// What is done on the way, here and in a PackedMatrix; each part only where it is defined.
struct FewRows {
  torch::Tensor gain = {},
                shift = {};  // [in]: x is normed first (kernels/norm.h); on a GPU in <= 1024
  double epsilon = 0;
  torch::Tensor bias = {};      // [out]
  bool gelu = false;            // by tanh
  torch::Tensor residual = {};  // [T, out], added last
};

// x [T, in] times weight [in, out].
torch::Tensor few_rows(const torch::Tensor& x, const torch::Tensor& weight,
                       const FewRows& more = {});
// Into `out` [T, out], whose rows are contiguous; no residual.
void few_rows_out(torch::Tensor& out, const torch::Tensor& x, const torch::Tensor& weight,
                  const FewRows& more = {});

}  // namespace kernels
