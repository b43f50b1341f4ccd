#include "kernels/packed_matrix.h"

#include <algorithm>
#include <vector>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "kernels/bf16_tiles.h"
#include "kernels/layer_loops.h"
#include "kernels/norm.h"
#include "kernels/row_parts.h"

namespace kernels {
namespace {

using loops::bf16;
using tiles::kColumns;

bf16* halves(const torch::Tensor& x) {
  return x.defined() ? rows::data_of(x, loops::bf16{}) : nullptr;
}

std::uint32_t* words(const torch::Tensor& panels) {
  return reinterpret_cast<std::uint32_t*>(halves(panels));
}

// Calls f(panel, first row, rows, sums [rows, kColumns]) for all products of x [T, in]: a panel for
// all rows before the next one, so that it is read from memory once.
template <class F>
void products(const torch::Tensor& x, const torch::Tensor& panels, const F& f) {
  const std::int64_t count = x.size(0), pairs = panels.size(1),
                     tiles_of_rows = (count + tiles::kRows - 1) / tiles::kRows;
  const bf16* from = halves(x);
  const std::uint32_t* packed = words(panels);
  at::parallel_for(0, panels.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    alignas(64) float sums[tiles::kRows * kColumns];
    for (std::int64_t panel = begin; panel < end; ++panel)
      for (std::int64_t tile = 0; tile < tiles_of_rows; ++tile) {
        const std::int64_t first = tile * count / tiles_of_rows,  // tiles of nearly one size
            size = (tile + 1) * count / tiles_of_rows - first;
        tiles::multiply({from + first * x.stride(0), x.stride(0) / 2, 1},
                        {packed + panel * pairs * kColumns, kColumns}, {sums, kColumns},
                        {size, kColumns, pairs});
        f(panel, first, size, sums);
      }
  });
}

}  // namespace

bool PackedMatrix::takes(const torch::Tensor& weight) {
  return weight.is_cpu() && weight.scalar_type() == torch::kBFloat16 && tiles::available() &&
         weight.dim() == 2 && weight.size(0) % 32 == 0 && weight.size(1) > 0 &&
         (weight.stride(0) == 1 || weight.stride(1) == 1);
}

PackedMatrix::PackedMatrix(const torch::Tensor& weight) : columns_(weight.size(1)) {
  base::check(takes(weight), "PackedMatrix: a matrix of ", weight.sizes());
  torch::NoGradGuard no_grad;
  const std::int64_t in = weight.size(0), count = (columns_ + kColumns - 1) / kColumns;
  panels_ = torch::zeros({count, in / 2, kColumns, 2}, weight.options().requires_grad(false));
  at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
    torch::NoGradGuard no_grad_here;
    for (std::int64_t panel = begin; panel < end; ++panel) {
      std::uint32_t* to = words(panels_) + panel * in / 2 * kColumns;
      const std::int64_t first = panel * kColumns, size = std::min(kColumns, columns_ - first);
      if (weight.stride(0) == 1) {
        tiles::pack_transposed({halves(weight) + first * weight.stride(1), weight.stride(1), in},
                               size, 0, kColumns, to);
      } else if (size == kColumns) {
        tiles::pack_pairs({halves(weight) + first, weight.stride(0), kColumns}, in, to);
      } else {
        const torch::Tensor padded =
            at::constant_pad_nd(weight.narrow(1, first, size), {0, kColumns - size}).contiguous();
        tiles::pack_pairs({halves(padded), kColumns, kColumns}, in, to);
      }
    }
  });
}

void PackedMatrix::check_rows(const torch::Tensor& x) const {
  base::check(
      x.dim() == 2 && x.size(1) == 2 * panels_.size(1) && x.scalar_type() == torch::kBFloat16,
      "PackedMatrix: rows of ", x.sizes(), " for ", 2 * panels_.size(1), " inputs");
}

torch::Tensor PackedMatrix::multiply(const torch::Tensor& given, const FewRows& more) const {
  const torch::Tensor x =
      (more.gain.defined() ? norm(given, more.gain, more.shift, more.epsilon) : given).contiguous();
  check_rows(x);
  const torch::Tensor out = torch::empty({x.size(0), columns_}, x.options());
  const torch::Tensor residual =
      more.residual.defined() ? more.residual.contiguous() : torch::Tensor();
  const torch::Tensor biases = more.bias.defined() ? more.bias.contiguous() : torch::Tensor();
  base::check((!biases.defined() || biases.numel() == columns_) &&
                  (!residual.defined() || residual.sizes() == out.sizes()),
              "PackedMatrix: a bias or a residual of another size than ", out.sizes());
  const bf16 *bias = halves(biases), *also = halves(residual);
  bf16* to = halves(out);
  products(x, panels_, [&](std::int64_t panel, std::int64_t first, std::int64_t size, float* sums) {
    const std::int64_t column = panel * kColumns, width = std::min(kColumns, columns_ - column);
    for (std::int64_t row = 0; row < size; ++row) {
      const std::int64_t at = (first + row) * columns_ + column;
      loops::finish_row(sums + row * kColumns,
                        {bias ? bias + column : nullptr, more.gelu, also ? also + at : nullptr},
                        width, to + at);
    }
  });
  return out;
}

void PackedMatrix::multiply_into(torch::Tensor& rows, const torch::Tensor& given) const {
  const torch::Tensor x = given.contiguous();
  check_rows(x);
  base::check(rows.scalar_type() == torch::kFloat32 && rows.size(0) == x.size(0) &&
                  rows.size(1) >= columns_ && rows.stride(1) == 1,
              "PackedMatrix: rows of ", x.sizes(), " into ", rows.sizes());
  float* to = rows.data_ptr<float>();
  products(x, panels_, [&](std::int64_t panel, std::int64_t first, std::int64_t size, float* sums) {
    const std::int64_t column = panel * kColumns, width = std::min(kColumns, columns_ - column);
    for (std::int64_t row = 0; row < size; ++row)
      std::copy_n(sums + row * kColumns, width, to + (first + row) * rows.stride(0) + column);
  });
}

}  // namespace kernels
