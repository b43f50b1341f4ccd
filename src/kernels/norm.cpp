#include "kernels/norm.h"

#include <algorithm>

#include <torch/csrc/autograd/custom_function.h>

#include "kernels/cuda.h"
#include "kernels/linear.h"

namespace kernels {
namespace {

// What our kernels take: a warp a row, up to 32 numbers a thread.
bool is_plain(const torch::Tensor& x) {
  const bool type = x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16;
  return type && x.size(1) % 8 == 0 && x.size(1) <= 1024 && x.size(0) > 0;
}

constexpr unsigned kWarps = 4;  // of a block

bool is_narrow(const torch::Tensor& x) { return x.size(1) <= 256; }

struct Statistics {
  torch::Tensor means, scales;  // [T, 1] float
};

// The statistics are written where they are defined.
AddedNorm device_add_norm(const torch::Tensor& residual, const torch::Tensor& x,
                          const torch::Tensor& gain, const torch::Tensor& shift, double epsilon,
                          const Statistics& statistics) {
  AddedNorm out{torch::empty_like(x), torch::empty_like(x)};
  constexpr unsigned kFew = 256;  // rows, up to which each has a block
  const auto rows = static_cast<unsigned>(x.size(0));
  const auto threads = static_cast<unsigned>((x.size(1) / 8 + 31) / 32 * 32);
  const cuda::Shape shape = rows <= kFew
                                ? cuda::Shape{rows, 1, threads, 0, /*early=*/true}
                                : cuda::Shape{(rows + kWarps - 1) / kWarps, 1, 32 * kWarps, 0};
  const char* name = rows <= kFew ? "add_norm_alone" : is_narrow(x) ? "add_norm1" : "add_norm4";
  cuda::launch(name, x.scalar_type(), shape, cuda::pointer(residual), cuda::pointer(x),
               cuda::pointer(gain), cuda::pointer(shift), cuda::pointer(out.sum),
               cuda::pointer(out.normed), cuda::pointer(statistics.means),
               cuda::pointer(statistics.scales), static_cast<int>(rows),
               static_cast<int>(x.size(1)), static_cast<float>(epsilon));
  return out;
}

struct DeviceNormGradients {
  torch::Tensor summand, gain, shift;
};
// by_sum may be undefined.
DeviceNormGradients device_norm_backward(const torch::Tensor& by_out, const torch::Tensor& by_sum,
                                         const torch::Tensor& sum, const Statistics& statistics,
                                         const torch::Tensor& gain, bool centred) {
  constexpr std::int64_t kMostBlocks = 396;
  const std::int64_t rows = sum.size(0), width = sum.size(1),
                     blocks = std::min<std::int64_t>((rows + kWarps - 1) / kWarps, kMostBlocks);
  const torch::Tensor out = torch::empty_like(sum),
                      parts =
                          torch::empty({blocks, 2, width}, sum.options().dtype(torch::kFloat32));
  cuda::launch(is_narrow(sum) ? "norm_backward1" : "norm_backward4", sum.scalar_type(),
               {static_cast<unsigned>(blocks), 1, 32 * kWarps,
                static_cast<unsigned>(2 * width * sizeof(float))},
               cuda::pointer(by_out), cuda::pointer(by_sum), cuda::pointer(sum),
               cuda::pointer(statistics.means), cuda::pointer(statistics.scales),
               cuda::pointer(gain), cuda::pointer(out), cuda::pointer(parts),
               static_cast<int>(rows), static_cast<int>(width), static_cast<int>(centred));
  const torch::Tensor both = finish_sums(parts.view({blocks, 2 * width}), gain.scalar_type());
  return {out, both.narrow(0, 0, width), both.narrow(0, width, width)};
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
    const bool centred = shift.numel() > 0;
    if (!gradients[1].defined()) return {gradients[0], gradients[0], {}, {}, {}};
    const torch::Tensor by_sum =
        gradients[0].defined() ? gradients[0].contiguous() : torch::Tensor();
    const DeviceNormGradients found = device_norm_backward(gradients[1].contiguous(), by_sum, sum,
                                                           {saved[1], saved[2]}, gain, centred);
    return {found.summand, found.summand, found.gain, centred ? found.shift : torch::Tensor(), {}};
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
