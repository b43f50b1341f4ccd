#include "kernels/cast.h"

#include <torch/csrc/autograd/custom_function.h>

namespace kernels {
namespace {

std::vector<torch::Tensor> cast_together(const std::vector<torch::Tensor>& tensors,
                                         torch::Dtype type) {
  std::vector<torch::Tensor> out;
  for (const torch::Tensor& tensor : tensors)
    out.push_back(torch::empty_like(tensor, tensor.options().dtype(type).requires_grad(false)));
  at::_foreach_copy_(out, tensors);
  return out;
}

struct CastTogether : torch::autograd::Function<CastTogether> {
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context,
                                                at::TensorList tensors, torch::Dtype type) {
    context->set_materialize_grads(false);
    context->saved_data["type"] = static_cast<std::int64_t>(tensors[0].scalar_type());
    return cast_together(tensors.vec(), type);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    std::vector<torch::Tensor> defined;
    for (const torch::Tensor& gradient : gradients)
      if (gradient.defined()) defined.push_back(gradient);
    const std::vector<torch::Tensor> cast =
        cast_together(defined, static_cast<torch::Dtype>(context->saved_data["type"].toInt()));
    torch::autograd::variable_list out;
    std::size_t next = 0;
    for (const torch::Tensor& gradient : gradients)
      out.push_back(gradient.defined() ? cast[next++] : torch::Tensor());
    out.emplace_back();  // of the type
    return out;
  }
};

}  // namespace

std::vector<torch::Tensor> cast(const std::vector<torch::Tensor>& tensors, torch::Dtype type) {
  const bool together = !tensors.empty() && tensors[0].is_cuda() &&
                        std::all_of(tensors.begin(), tensors.end(), [&](const torch::Tensor& x) {
                          return x.is_cuda() && x.scalar_type() == tensors[0].scalar_type();
                        });
  if (together && tensors[0].scalar_type() != type)
    return CastTogether::apply(at::TensorList(tensors), type);
  std::vector<torch::Tensor> out;
  for (const torch::Tensor& tensor : tensors) out.push_back(tensor.to(type));
  return out;
}

}  // namespace kernels
