#include "kernels/bias_gelu.h"

#include "base/error.h"
#include "kernels/layer_loops.h"
#include "kernels/row_parts.h"

namespace kernels {
namespace {

void check_rows(const torch::Tensor& x, const torch::Tensor& bias) {
  base::check(x.dim() == 2 && bias.dim() == 1 && x.size(1) == bias.size(0) && x.is_contiguous() &&
                  bias.is_contiguous() && x.dtype() == bias.dtype(),
              "bias_gelu: x is ", x.sizes(), ", bias ", bias.sizes());
}

}  // namespace

torch::Tensor bias_gelu(const torch::Tensor& x, const torch::Tensor& bias) {
  check_rows(x, bias);
  const std::int64_t width = x.size(1);
  torch::Tensor out = torch::empty_like(x);
  rows::with_type(x, [&](auto type) {
    const auto *from = rows::data_of(x, type), *b = rows::data_of(bias, type);
    auto* to = rows::data_of(out, type);
    rows::each(x.size(0), [&](std::int64_t row) {
      loops::bias_gelu_row(from + row * width, b, width, to + row * width);
    });
  });
  return out;
}

BiasGeluGradients bias_gelu_backward(const torch::Tensor& by_out, const torch::Tensor& x,
                                     const torch::Tensor& bias) {
  check_rows(x, bias);
  const std::int64_t width = x.size(1);
  torch::Tensor by_x = torch::empty_like(x), by_bias;
  rows::with_type(x, [&](auto type) {
    const auto *up = rows::data_of(by_out, type), *from = rows::data_of(x, type),
               *b = rows::data_of(bias, type);
    auto* to = rows::data_of(by_x, type);
    by_bias = rows::summed(x.size(0), 1, width, [&](std::int64_t row, float* sum) {
      const std::int64_t at = row * width;
      loops::bias_gelu_row_backward(up + at, from + at, b, width, to + at, sum);
    });
  });
  return {by_x, by_bias.view({width})};
}

torch::Tensor row_sum(const torch::Tensor& x) {
  base::check(x.dim() == 2 && x.is_contiguous(), "row_sum: x is ", x.sizes());
  const std::int64_t width = x.size(1);
  torch::Tensor sum;
  rows::with_type(x, [&](auto type) {
    const auto* from = rows::data_of(x, type);
    sum = rows::summed(x.size(0), 1, width, [&](std::int64_t row, float* to) {
      loops::add_row(from + row * width, width, to);
    });
  });
  return sum.view({width});
}

}  // namespace kernels
