#pragma once

#include <torch/types.h>

namespace kernels {

// [B, N] fp32: every query [B, K] times every row of a table [N, K], as at::mm(queries, table.t()).
// One query alone, without gradient, reads the table once at the speed of memory, which is where
// libtorch's product of a matrix with a vector falls behind. Both contiguous fp32 on the processor
// there; anything else goes to libtorch. Throws base::Error (internal) where the widths differ.
torch::Tensor row_products(const torch::Tensor& queries, const torch::Tensor& table);

}  // namespace kernels
