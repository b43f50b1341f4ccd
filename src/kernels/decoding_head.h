#pragma once

#include <cstdint>

#include <torch/types.h>

#include "kernels/packed_matrix.h"

namespace kernels {

// The output layer as decoding reads it: [V, C], laid out once for products of a few rows:
// on a GPU padded, on the processor packed where it can be, in memory beside the weight.
class DecodingHead {
 public:
  // int8 is for the processor; throws base::Error on a GPU.
  explicit DecodingHead(const torch::Tensor& weight,
                        MatrixNumbers numbers = MatrixNumbers::computed);

  // hidden [t, C] -> [t, V], rows contiguous, without gradient; in fp32 where the weight was
  // packed, in its type otherwise.
  torch::Tensor logits(const torch::Tensor& hidden) const;
  // Into the first V columns of rows [t, at least V] float on the processor.
  void logits_into(torch::Tensor& rows, const torch::Tensor& hidden) const;

  torch::Device device() const { return weight_.device(); }

 private:
  std::int64_t rows_;     // V
  torch::Tensor weight_;  // [W, C]: padded
  PackedMatrix packed_;
};

}  // namespace kernels
