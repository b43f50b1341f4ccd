#include "kernels/linear.h"

#include <algorithm>

#include <torch/csrc/autograd/custom_function.h>

#include "kernels/cuda.h"

namespace kernels {
namespace {

struct Linear : torch::autograd::Function<Linear> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, const torch::Tensor& bias) {
    context->save_for_backward({x, weight});
    return at::addmm(bias, x, weight);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor gradient = gradients[0].contiguous();
    return {at::mm(gradient, saved[1].t()), at::mm(saved[0].t(), gradient), column_sums(gradient)};
  }
};

}  // namespace

torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight,
                     const torch::Tensor& bias) {
  if (!bias.defined()) return at::mm(x, weight);
  const bool type = x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16;
  const bool ours = x.is_cuda() && at::GradMode::is_enabled() && type && weight.size(1) % 8 == 0 &&
                    x.size(0) > 0 && weight.requires_grad() && bias.requires_grad();
  return ours ? Linear::apply(x, weight, bias) : at::addmm(bias, x, weight);
}

torch::Tensor column_sums(const torch::Tensor& x) {
  const std::int64_t rows = x.size(0), n = x.size(1),
                     stretch = std::max<std::int64_t>(64, rows / 64),
                     parts = (rows + stretch - 1) / stretch;
  const torch::Tensor sums = torch::empty({parts, n}, x.options().dtype(torch::kFloat32));
  cuda::launch("column_sums", x.scalar_type(),
               {static_cast<unsigned>((n + 255) / 256), static_cast<unsigned>(parts), 256, 0},
               cuda::pointer(x), cuda::pointer(sums), static_cast<int>(rows), static_cast<int>(n),
               static_cast<int>(stretch));
  return finish_sums(sums, x.scalar_type());
}

torch::Tensor finish_sums(const torch::Tensor& parts, torch::Dtype type) {
  const std::int64_t n = parts.size(1);
  const torch::Tensor out = torch::empty({n}, parts.options().dtype(type));
  cuda::launch("finish_sums", type, {static_cast<unsigned>((n + 31) / 32), 1, 256, 0},
               cuda::pointer(parts), cuda::pointer(out), static_cast<int>(parts.size(0)),
               static_cast<int>(n));
  return out;
}

}  // namespace kernels
