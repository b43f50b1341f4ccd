#include "kernels/packed_matrix.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "kernels/bf16_tiles.h"
#include "kernels/compute.h"
#include "kernels/fp32_tiles.h"
#include "kernels/int8_tiles.h"
#include "kernels/layer_loops.h"
#include "kernels/norm.h"
#include "kernels/row_parts.h"

namespace kernels {
namespace {

using loops::bf16;
constexpr std::int64_t kColumns = bf16_tiles::kColumns;  // of a panel
static_assert(int8::kColumns == kColumns && int8::kRows == tiles::kRows);
static_assert(fp32::kColumns == kColumns && fp32::kRows == tiles::kRows);

bf16* halves(const torch::Tensor& x) { return rows::data_of(x, bf16{}); }

std::uint32_t* words(const torch::Tensor& panels) {
  return reinterpret_cast<std::uint32_t*>(panels.data_ptr());
}

std::int64_t panels_for(std::int64_t columns) { return (columns + kColumns - 1) / kColumns; }

// Calls f(panel, first column, columns of it) for each panel of a matrix.
template <class F>
void each_panel(std::int64_t columns, const F& f) {
  at::parallel_for(0, panels_for(columns), 1, [&](std::int64_t begin, std::int64_t end) {
    torch::NoGradGuard no_grad_here;
    for (std::int64_t panel = begin; panel < end; ++panel)
      f(panel, panel * kColumns, std::min(kColumns, columns - panel * kColumns));
  });
}

// The product of rows [first_row, first_row + rows) and a panel, whose numbers begin at `data`.
// `ahead`: what to fetch meanwhile.
struct Tile {
  std::int64_t panel, first_row, rows;
  const std::byte* data;
  Ahead ahead;
};

// What to fetch while the first `bytes` of what a thread still has to read, a panel, are multiplied
// by `count` rows: the next panel where several tiles of rows take turns at this one; where there
// is one tile, the same panel a little further on; of one row nothing, as memory gives no more.
Ahead ahead_of(const Ahead& left, std::int64_t bytes, std::int64_t count) {
  if (count == 1) return {};
  const std::int64_t distance = std::min(left.bytes, count > tiles::kRows ? bytes : 2048);
  return {left.begin + distance, std::min(left.bytes - distance, bytes)};
}

// Calls f(tile, sums [rows, kColumns]) for all tiles of a product of `count` rows with a matrix,
// whose sums multiply(tile, sums) sets: a panel for all rows before the next one, so that it is
// read from memory once.
template <class Multiply, class F>
void each_tile(const torch::Tensor& panels, std::int64_t count, const Multiply& multiply,
               const F& f) {
  const std::int64_t tiles_of_rows = (count + tiles::kRows - 1) / tiles::kRows,
                     bytes = panels.stride(0) * panels.element_size();
  const auto* all = reinterpret_cast<const std::byte*>(panels.data_ptr());
  at::parallel_for(0, panels.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    alignas(64) float sums[tiles::kRows * kColumns];
    for (std::int64_t panel = begin; panel < end; ++panel) {
      const std::byte* here = all + panel * bytes;
      const Ahead next = ahead_of({here, (end - panel) * bytes}, bytes, count);
      for (std::int64_t i = 0; i < tiles_of_rows; ++i) {
        const std::int64_t first = i * count / tiles_of_rows,  // tiles of nearly one size
            end_row = (i + 1) * count / tiles_of_rows;
        const Tile tile{panel, first, end_row - first, here, next.part(i, tiles_of_rows)};
        multiply(tile, sums);
        f(tile, sums);
      }
    }
  });
}

// Rows in whole numbers; keeps what int8::Rows points to.
class QuantisedRows {
 public:
  explicit QuantisedRows(const torch::Tensor& x) : blocks_(int8::blocks_of(x.size(1))) {
    const std::int64_t count = x.size(0);
    q_ = torch::empty({count, blocks_ * int8::kBlock}, torch::kInt8);
    scales_ = torch::empty({count, blocks_}, torch::kFloat32);
    offsets_ = torch::empty({count, blocks_}, torch::kInt32);
    rows::with_type(x, [&](auto type) {
      const auto* from = rows::data_of(x, type);
      rows::each(count, [&](std::int64_t row) {
        int8::quantise_row(from + row * x.stride(0), x.size(1),
                           q_.data_ptr<std::int8_t>() + row * blocks_ * int8::kBlock,
                           scales_.data_ptr<float>() + row * blocks_,
                           offsets_.data_ptr<std::int32_t>() + row * blocks_);
      });
    });
  }

  int8::Rows rows() const {
    return {q_.data_ptr<std::int8_t>(), scales_.data_ptr<float>(),
            offsets_.data_ptr<std::int32_t>(), blocks_};
  }

 private:
  std::int64_t blocks_;
  torch::Tensor q_, scales_, offsets_;
};

// [panels, in / 2, kColumns, 2]
torch::Tensor pairs_of(const torch::Tensor& weight) {
  const std::int64_t in = weight.size(0), columns = weight.size(1);
  const torch::Tensor panels = torch::zeros({panels_for(columns), in / 2, kColumns, 2},
                                            weight.options().requires_grad(false));
  each_panel(columns, [&](std::int64_t panel, std::int64_t first, std::int64_t size) {
    std::uint32_t* to = words(panels) + panel * in / 2 * kColumns;
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
  });
  return panels;
}

// [panels, kColumns / kStrip, in, kStrip]
torch::Tensor strips_of(const torch::Tensor& weight) {
  const std::int64_t in = weight.size(0);
  const torch::Tensor panels = torch::empty(
      {panels_for(weight.size(1)), kColumns / fp32::kStrip, in, fp32::kStrip}, torch::kFloat32);
  each_panel(weight.size(1), [&](std::int64_t panel, std::int64_t first, std::int64_t size) {
    fp32::pack({weight.data_ptr<float>() + first * weight.stride(1), weight.stride(0),
                weight.stride(1), size},
               in, panels.data_ptr<float>() + panel * in * kColumns);
  });
  return panels;
}

// [panels, in / 4, kColumns, 4] and the columns' scales, [panels, kColumns]
std::pair<torch::Tensor, torch::Tensor> fours_of(const torch::Tensor& weight) {
  const std::int64_t in = int8::blocks_of(weight.size(0)) * int8::kBlock,
                     count = panels_for(weight.size(1));
  const torch::Tensor panels = torch::empty({count, in / 4, kColumns, 4}, torch::kUInt8),
                      scales = torch::empty({count, kColumns}, torch::kFloat32);
  each_panel(weight.size(1), [&](std::int64_t panel, std::int64_t first, std::int64_t size) {
    const torch::Tensor wide =
        at::constant_pad_nd(weight.narrow(1, first, size).to(torch::kFloat32),
                            {0, kColumns - size, 0, in - weight.size(0)})
            .contiguous();
    int8::pack(wide.data_ptr<float>(), in, words(panels) + panel * in / 4 * kColumns,
               scales.data_ptr<float>() + panel * kColumns);
  });
  return {panels, scales};
}

}  // namespace

MatrixNumbers matrix_numbers(const std::string& name) {
  if (name == "computed") return MatrixNumbers::computed;
  if (name == "int8") return MatrixNumbers::int8;
  throw base::UsageError("weights as \"", name, "\" are unknown; choose computed or int8");
}

bool PackedMatrix::takes(const torch::Tensor& weight, MatrixNumbers numbers) {
  if (!weight.is_cpu() || weight.dim() != 2 || weight.numel() == 0) return false;
  const bool is_bf16 = weight.scalar_type() == torch::kBFloat16,
             is_fp32 = weight.scalar_type() == torch::kFloat32;
  if (numbers == MatrixNumbers::int8) return is_bf16 || is_fp32;
  if (default_backend() == Backend::reference) return false;
  if (is_fp32) return fp32::available();
  return is_bf16 && bf16_tiles::available() && weight.size(0) % 32 == 0 &&
         (weight.stride(0) == 1 || weight.stride(1) == 1);
}

PackedMatrix::PackedMatrix(const torch::Tensor& weight, MatrixNumbers numbers)
    : type_(weight.scalar_type()), inputs_(weight.size(0)), columns_(weight.size(1)) {
  base::check(takes(weight, numbers), "PackedMatrix: a matrix of ", weight.sizes());
  torch::NoGradGuard no_grad;
  if (numbers == MatrixNumbers::int8)
    std::tie(panels_, scales_) = fours_of(weight);
  else
    panels_ = type_ == torch::kFloat32 ? strips_of(weight) : pairs_of(weight);
}

void PackedMatrix::check_rows(const torch::Tensor& x) const {
  base::check(x.dim() == 2 && x.size(1) == inputs_ && x.scalar_type() == type_,
              "PackedMatrix: rows of ", x.sizes(), " for ", inputs_, " inputs");
}

// Calls f as each_tile does, with the products of x [T, in].
template <class F>
void PackedMatrix::products(const torch::Tensor& x, const F& f) const {
  const std::int64_t count = x.size(0), stride = x.stride(0);
  if (scales_.defined()) {
    const QuantisedRows quantised(x);
    const int8::Rows all = quantised.rows();
    const float* scales = scales_.data_ptr<float>();
    each_tile(
        panels_, count,
        [&](const Tile& tile, float* sums) {
          int8::multiply(all.from(tile.first_row), tile.rows,
                         reinterpret_cast<const std::uint32_t*>(tile.data),
                         scales + tile.panel * kColumns, sums, tile.ahead);
        },
        f);
  } else if (type_ == torch::kFloat32) {
    const float* from = x.data_ptr<float>();
    each_tile(
        panels_, count,
        [&](const Tile& tile, float* sums) {
          fp32::multiply(from + tile.first_row * stride, stride, tile.rows,
                         reinterpret_cast<const float*>(tile.data), inputs_, sums, tile.ahead);
        },
        f);
  } else {
    const bf16* from = halves(x);
    each_tile(
        panels_, count,
        [&](const Tile& tile, float* sums) {
          tiles::multiply({from + tile.first_row * stride, stride / 2, 1},
                          {reinterpret_cast<const std::uint32_t*>(tile.data), kColumns},
                          {sums, kColumns}, {tile.rows, kColumns, panels_.size(1)}, tile.ahead);
        },
        f);
  }
}

torch::Tensor PackedMatrix::multiply(const torch::Tensor& given, const FewRows& more) const {
  const torch::Tensor x =
      (more.gain.defined() ? norm(given, more.gain, more.shift, more.epsilon) : given).contiguous();
  check_rows(x);
  const torch::Tensor out = torch::empty({x.size(0), columns_}, x.options());
  const torch::Tensor residual =
      more.residual.defined() ? more.residual.contiguous() : torch::Tensor();
  const torch::Tensor biases = more.bias.defined() ? more.bias.contiguous() : torch::Tensor();
  base::check(
      (!biases.defined() || (biases.numel() == columns_ && biases.dtype() == out.dtype())) &&
          (!residual.defined() ||
           (residual.sizes() == out.sizes() && residual.dtype() == out.dtype())),
      "PackedMatrix: a bias or a residual of another size or type than ", out.sizes(), " of ",
      out.dtype());
  rows::with_type(out, [&](auto type) {
    using T = decltype(type);
    const auto data = [](const torch::Tensor& t) {
      return t.defined() ? rows::data_of(t, T{}) : nullptr;
    };
    const T *bias = data(biases), *also = data(residual);
    T* to = data(out);
    products(x, [&](const Tile& tile, const float* sums) {
      const std::int64_t column = tile.panel * kColumns,
                         width = std::min(kColumns, columns_ - column);
      for (std::int64_t row = 0; row < tile.rows; ++row) {
        const std::int64_t at = (tile.first_row + row) * columns_ + column;
        loops::finish_row(
            sums + row * kColumns,
            loops::Finish<T>{bias ? bias + column : nullptr, more.gelu, also ? also + at : nullptr},
            width, to + at);
      }
    });
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
  products(x, [&](const Tile& tile, const float* sums) {
    const std::int64_t column = tile.panel * kColumns,
                       width = std::min(kColumns, columns_ - column);
    for (std::int64_t row = 0; row < tile.rows; ++row)
      std::copy_n(sums + row * kColumns, width,
                  to + (tile.first_row + row) * rows.stride(0) + column);
  });
}

}  // namespace kernels
