#include "kernels/norm.h"

#include <torch/csrc/autograd/custom_function.h>

#include "kernels/cuda.h"

namespace kernels {
namespace {

// What our kernel takes: eight numbers a thread, at most 1024 threads a row.
bool is_plain(const torch::Tensor& x) {
  const bool type = x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16;
  return type && x.size(1) % 8 == 0 && x.size(1) <= 8192 && x.size(0) > 0;
}

struct Statistics {
  torch::Tensor means, scales;  // [T] float
};

// The statistics are written where they are defined.
AddedNorm device_add_norm(const torch::Tensor& residual, const torch::Tensor& x,
                          const torch::Tensor& gain, const torch::Tensor& shift, double epsilon,
                          const Statistics& statistics) {
  AddedNorm out{torch::empty_like(x), torch::empty_like(x)};
  const auto threads = static_cast<unsigned>((x.size(1) / 8 + 31) / 32 * 32);
  cuda::launch("add_norm", x.scalar_type(), {static_cast<unsigned>(x.size(0)), 1, threads, 0},
               cuda::pointer(residual), cuda::pointer(x), cuda::pointer(gain), cuda::pointer(shift),
               cuda::pointer(out.sum), cuda::pointer(out.normed), cuda::pointer(statistics.means),
               cuda::pointer(statistics.scales), static_cast<int>(x.size(1)),
               static_cast<float>(epsilon));
  return out;
}

// For y = x r g with r = 1 / sqrt(mean(x^2) + epsilon): dx = r g dy - x r^3 mean(x g dy).
std::pair<torch::Tensor, torch::Tensor> rms_norm_backward(const torch::Tensor& gradient,
                                                          const torch::Tensor& x,
                                                          const torch::Tensor& scales,
                                                          const torch::Tensor& gain) {
  const torch::Tensor dy = gradient.to(torch::kFloat32), r = scales.unsqueeze(1),
                      scaled = x.to(torch::kFloat32) * r, through = dy * gain.to(torch::kFloat32);
  const torch::Tensor dx = r * (through - scaled * (scaled * through).mean(1, true));
  return {dx.to(x.scalar_type()), (dy * scaled).sum(0).to(gain.scalar_type())};
}

// Without a shift it is given an empty one.
struct AddNorm : torch::autograd::Function<AddNorm> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                const torch::Tensor& residual,
                                                const torch::Tensor& x, const torch::Tensor& gain,
                                                const torch::Tensor& shift, double epsilon) {
    const auto options = x.options().dtype(torch::kFloat32).requires_grad(false);
    const Statistics statistics{torch::empty({x.size(0), 1}, options),
                                torch::empty({x.size(0), 1}, options)};
    const AddedNorm out = device_add_norm(
        residual, x, gain, shift.numel() > 0 ? shift : torch::Tensor(), epsilon, statistics);
    context->set_materialize_grads(false);
    context->save_for_backward({out.sum, statistics.means, statistics.scales, gain, shift});
    return {out.sum, out.normed};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const torch::Tensor &sum = saved[0], &gain = saved[3], &shift = saved[4];
    torch::Tensor by_sum, by_gain, by_shift;
    if (gradients[1].defined()) {
      const torch::Tensor gradient = gradients[1].contiguous();
      if (shift.numel() > 0)
        std::tie(by_sum, by_gain, by_shift) = at::native_layer_norm_backward(
            gradient, sum, {sum.size(1)}, saved[1], saved[2], gain, shift, {true, true, true});
      else
        std::tie(by_sum, by_gain) = rms_norm_backward(gradient, sum, saved[2].squeeze(1), gain);
    }
    if (gradients[0].defined()) by_sum = by_sum.defined() ? by_sum + gradients[0] : gradients[0];
    return {by_sum, by_sum, by_gain, by_shift, torch::Tensor()};
  }
};

}  // namespace

torch::Tensor norm(const torch::Tensor& x, const torch::Tensor& gain, const torch::Tensor& shift,
                   double epsilon) {
  return shift.defined() ? at::layer_norm(x, {x.size(1)}, gain, shift, epsilon)
                         : at::rms_norm(x, {x.size(1)}, gain, epsilon);
}

AddedNorm add_norm(const torch::Tensor& residual, const torch::Tensor& x, const torch::Tensor& gain,
                   const torch::Tensor& shift, double epsilon) {
  if (!x.is_cuda() || !is_plain(x)) {
    const torch::Tensor sum = residual + x;
    return {sum, norm(sum, gain, shift, epsilon)};
  }
  if (!at::GradMode::is_enabled())
    return device_add_norm(residual.contiguous(), x.contiguous(), gain, shift, epsilon, {});
  const auto out =
      AddNorm::apply(residual.contiguous(), x.contiguous(), gain,
                     shift.defined() ? shift : torch::empty({0}, gain.options()), epsilon);
  return {out[0], out[1]};
}

}  // namespace kernels
