#include "kernels/layer_norm.h"

#include "base/error.h"
#include "kernels/layer_loops.h"
#include "kernels/row_parts.h"

namespace kernels {
namespace {

void check_rows(const torch::Tensor& x, const torch::Tensor& weight) {
  base::check(x.dim() == 2 && weight.dim() == 1 && x.size(1) == weight.size(0) &&
                  x.is_contiguous() && weight.is_contiguous() && x.dtype() == weight.dtype(),
              "layer_norm: x is ", x.sizes(), ", weight ", weight.sizes());
}

loops::Moments* moments_of(const torch::Tensor& moments) {
  return reinterpret_cast<loops::Moments*>(moments.data_ptr<float>());
}

Normed room_for(const torch::Tensor& x) {
  return {torch::empty_like(x), torch::empty({x.size(0), 2}, torch::kFloat32)};
}

}  // namespace

Normed layer_norm(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                  double epsilon) {
  check_rows(x, weight);
  const std::int64_t width = x.size(1);
  Normed out = room_for(x);
  rows::with_type(x, [&](auto type) {
    const auto *from = rows::data_of(x, type), *w = rows::data_of(weight, type),
               *b = rows::data_of(bias, type);
    auto* to = rows::data_of(out.out, type);
    loops::Moments* moments = moments_of(out.moments);
    rows::each(x.size(0), [&](std::int64_t row) {
      moments[row] = loops::normalise_row(from + row * width, w, b, width,
                                          static_cast<float>(epsilon), to + row * width);
    });
  });
  return out;
}

NormGradients layer_norm_backward(const torch::Tensor& by_out, const torch::Tensor& x,
                                  const torch::Tensor& weight, const torch::Tensor& given,
                                  const torch::Tensor& also) {
  check_rows(x, weight);
  const std::int64_t width = x.size(1);
  torch::Tensor by_x = torch::empty_like(x), sums;  // [2, C]: of weight, of bias
  rows::with_type(x, [&](auto type) {
    const auto *up = rows::data_of(by_out, type), *from = rows::data_of(x, type),
               *w = rows::data_of(weight, type);
    const auto* more = also.defined() ? rows::data_of(also, type) : nullptr;
    auto* to = rows::data_of(by_x, type);
    const loops::Moments* moments = moments_of(given);
    sums = rows::summed(x.size(0), 2, width, [&](std::int64_t row, float* sum) {
      const std::int64_t at = row * width;
      loops::normalise_row_backward(up + at, from + at, w, moments[row], width,
                                    more ? more + at : nullptr, to + at, sum, sum + width);
    });
  });
  return {by_x, sums[0], sums[1]};
}

ResidualNormed add_dropout_layer_norm(const torch::Tensor& residual, const torch::Tensor& x,
                                      double p, std::uint64_t key, const torch::Tensor& weight,
                                      const torch::Tensor& bias, double epsilon) {
  check_rows(residual, weight);
  base::check(x.sizes() == residual.sizes() && x.is_contiguous(), "add_dropout_layer_norm: x is ",
              x.sizes(), ", the residual ", residual.sizes());
  const std::int64_t width = x.size(1);
  ResidualNormed out{torch::empty_like(x), room_for(x)};
  rows::with_type(x, [&](auto type) {
    const auto *old = rows::data_of(residual, type), *from = rows::data_of(x, type),
               *w = rows::data_of(weight, type), *b = rows::data_of(bias, type);
    auto *sum = rows::data_of(out.sum, type), *to = rows::data_of(out.normed.out, type);
    loops::Moments* moments = moments_of(out.normed.moments);
    rows::each(x.size(0), [&](std::int64_t row) {
      const std::int64_t at = row * width;
      loops::add_dropout(old + at, from + at, sum + at, width, at, key, static_cast<float>(p));
      moments[row] =
          loops::normalise_row(sum + at, w, b, width, static_cast<float>(epsilon), to + at);
    });
  });
  return out;
}

}  // namespace kernels
