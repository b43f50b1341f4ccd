#pragma once

#include <algorithm>
#include <cstdint>

#include <ATen/Parallel.h>
#include <torch/types.h>

#include "kernels/layer_loops.h"

// Passes over the rows of a matrix on all threads, for the .cpp files of this folder.
namespace kernels::rows {

inline float* data_of(const torch::Tensor& x, float) { return x.data_ptr<float>(); }
inline loops::bf16* data_of(const torch::Tensor& x, loops::bf16) {
  return reinterpret_cast<loops::bf16*>(x.data_ptr<at::BFloat16>());
}

// Calls f(T{}) with the type that the tensor's numbers have in the loops.
template <class F>
void with_type(const torch::Tensor& x, const F& f) {
  if (x.scalar_type() == torch::kFloat32)
    f(float{});
  else
    f(loops::bf16{});
}

// Calls f(row) for each of them.
template <class F>
void each(std::int64_t rows, const F& f) {
  at::parallel_for(0, rows, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) f(row);
  });
}

// [sums, width] fp32: f(row, to) adds what each row gives to the `sums` rows that begin at `to`.
// Rows are taken in parts that do not depend on the number of threads, nor does the result.
template <class F>
torch::Tensor summed(std::int64_t rows, std::int64_t sums, std::int64_t width, const F& f) {
  constexpr std::int64_t kParts = 16;
  const torch::Tensor parts = torch::zeros({kParts, sums, width}, torch::kFloat32);
  float* to = parts.data_ptr<float>();
  at::parallel_for(0, kParts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part)
      for (std::int64_t row = part * rows / kParts; row < (part + 1) * rows / kParts; ++row)
        f(row, to + part * sums * width);
  });
  const torch::Tensor sum = torch::zeros({sums, width}, torch::kFloat32);
  for (std::int64_t part = 0; part < kParts; ++part)
    loops::add_row(to + part * sums * width, sums * width, sum.data_ptr<float>());
  return sum;
}

}  // namespace kernels::rows
