#include "kernels/packed_matrix.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "kernels/bf16_tiles.h"
#include "kernels/int8_tiles.h"
#include "kernels/layer_loops.h"
#include "kernels/norm.h"
#include "kernels/row_parts.h"

namespace kernels {
namespace {

using loops::bf16;
constexpr std::int64_t kColumns = tiles::kColumns;  // of a panel
static_assert(int8::kColumns == kColumns && int8::kRows == tiles::kRows);

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

// Calls f(panel, first row, rows, sums [rows, kColumns]) for all tiles of a product of `count` rows
// with so many panels, whose sums multiply(panel, first row, rows, sums) sets: a panel for all rows
// before the next one, so that it is read from memory once.
template <class Multiply, class F>
void tiles_of(std::int64_t panels, std::int64_t count, const Multiply& multiply, const F& f) {
  const std::int64_t tiles_of_rows = (count + tiles::kRows - 1) / tiles::kRows;
  at::parallel_for(0, panels, 1, [&](std::int64_t begin, std::int64_t end) {
    alignas(64) float sums[tiles::kRows * kColumns];
    for (std::int64_t panel = begin; panel < end; ++panel)
      for (std::int64_t tile = 0; tile < tiles_of_rows; ++tile) {
        const std::int64_t first = tile * count / tiles_of_rows,  // tiles of nearly one size
            size = (tile + 1) * count / tiles_of_rows - first;
        multiply(panel, first, size, sums);
        f(panel, first, size, sums);
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

// [panels, in / 4, kColumns, 4] and the columns' scales, [panels, kColumns]
std::pair<torch::Tensor, torch::Tensor> fours_of(const torch::Tensor& weight) {
  const std::int64_t in = int8::blocks_of(weight.size(0)) * int8::kBlock, columns = weight.size(1),
                     count = panels_for(columns);
  const torch::Tensor panels = torch::empty({count, in / 4, kColumns, 4}, torch::kUInt8),
                      scales = torch::empty({count, kColumns}, torch::kFloat32);
  each_panel(columns, [&](std::int64_t panel, std::int64_t first, std::int64_t size) {
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
  const bool is_bf16 = weight.scalar_type() == torch::kBFloat16;
  if (numbers == MatrixNumbers::int8) return is_bf16 || weight.scalar_type() == torch::kFloat32;
  return is_bf16 && tiles::available() && weight.size(0) % 32 == 0 &&
         (weight.stride(0) == 1 || weight.stride(1) == 1);
}

PackedMatrix::PackedMatrix(const torch::Tensor& weight, MatrixNumbers numbers)
    : type_(weight.scalar_type()), inputs_(weight.size(0)), columns_(weight.size(1)) {
  base::check(takes(weight, numbers), "PackedMatrix: a matrix of ", weight.sizes());
  torch::NoGradGuard no_grad;
  if (numbers == MatrixNumbers::int8)
    std::tie(panels_, scales_) = fours_of(weight);
  else
    panels_ = pairs_of(weight);
}

void PackedMatrix::check_rows(const torch::Tensor& x) const {
  base::check(x.dim() == 2 && x.size(1) == inputs_ && x.scalar_type() == type_,
              "PackedMatrix: rows of ", x.sizes(), " for ", inputs_, " inputs");
}

// Calls f as tiles_of does, with the products of x [T, in].
template <class F>
void PackedMatrix::products(const torch::Tensor& x, const F& f) const {
  const std::uint32_t* packed = words(panels_);
  const std::int64_t panel_words = panels_.size(1) * kColumns;
  if (scales_.defined()) {
    const QuantisedRows quantised(x);
    const int8::Rows all = quantised.rows();
    const float* scales = scales_.data_ptr<float>();
    tiles_of(
        panels_.size(0), x.size(0),
        [&](std::int64_t panel, std::int64_t first, std::int64_t size, float* sums) {
          int8::multiply(all.from(first), size, packed + panel * panel_words,
                         scales + panel * kColumns, sums);
        },
        f);
    return;
  }
  const bf16* from = halves(x);
  tiles_of(
      panels_.size(0), x.size(0),
      [&](std::int64_t panel, std::int64_t first, std::int64_t size, float* sums) {
        tiles::multiply({from + first * x.stride(0), x.stride(0) / 2, 1},
                        {packed + panel * panel_words, kColumns}, {sums, kColumns},
                        {size, kColumns, panels_.size(1)});
      },
      f);
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
  rows::with_type(out, [&](auto type) {
    using T = decltype(type);
    const auto data = [](const torch::Tensor& t) {
      return t.defined() ? rows::data_of(t, T{}) : nullptr;
    };
    const T *bias = data(biases), *also = data(residual);
    T* to = data(out);
    products(x, [&](std::int64_t panel, std::int64_t first, std::int64_t size, float* sums) {
      const std::int64_t column = panel * kColumns, width = std::min(kColumns, columns_ - column);
      for (std::int64_t row = 0; row < size; ++row) {
        const std::int64_t at = (first + row) * columns_ + column;
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
  products(x, [&](std::int64_t panel, std::int64_t first, std::int64_t size, float* sums) {
    const std::int64_t column = panel * kColumns, width = std::min(kColumns, columns_ - column);
    for (std::int64_t row = 0; row < size; ++row)
      std::copy_n(sums + row * kColumns, width, to + (first + row) * rows.stride(0) + column);
  });
}

}  // namespace kernels
