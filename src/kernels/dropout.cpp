#include "kernels/dropout.h"

#include <mutex>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include "base/error.h"
#include "kernels/loops.h"
#include "kernels/row_parts.h"

namespace kernels {
namespace {

constexpr std::int64_t kGrain = 1 << 14;

template <class F>
void over_elements(const torch::Tensor& x, const F& loop) {
  at::parallel_for(0, x.numel(), kGrain, loop);
}

torch::Tensor run_dropout(const torch::Tensor& x, double p, std::uint64_t key) {
  torch::Tensor out = torch::empty_like(x);
  over_elements(x, [&](std::int64_t begin, std::int64_t end) {
    const auto rate = static_cast<float>(p);
    rows::with_type(x, [&](auto type) {
      loops::dropout(rows::data_of(x, type) + begin, rows::data_of(out, type) + begin, end - begin,
                     begin, key, rate);
    });
  });
  return out;
}

torch::Tensor run_add_dropout(const torch::Tensor& residual, const torch::Tensor& x, double p,
                              std::uint64_t key) {
  torch::Tensor out = torch::empty_like(x);
  over_elements(x, [&](std::int64_t begin, std::int64_t end) {
    const auto rate = static_cast<float>(p);
    rows::with_type(x, [&](auto type) {
      loops::add_dropout(rows::data_of(residual, type) + begin, rows::data_of(x, type) + begin,
                         rows::data_of(out, type) + begin, end - begin, begin, key, rate);
    });
  });
  return out;
}

struct AddDropout : torch::autograd::Function<AddDropout> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& residual, const torch::Tensor& x, double p,
                               std::int64_t key) {
    context->saved_data["p"] = p;
    context->saved_data["key"] = key;
    return run_add_dropout(residual, x, p, static_cast<std::uint64_t>(key));
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const torch::Tensor gradient = gradients[0].contiguous();
    const auto key = static_cast<std::uint64_t>(context->saved_data["key"].toInt());
    return {gradient, run_dropout(gradient, context->saved_data["p"].toDouble(), key),
            torch::Tensor(), torch::Tensor()};
  }
};

struct Dropout : torch::autograd::Function<Dropout> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               double p, std::int64_t key) {
    context->saved_data["p"] = p;
    context->saved_data["key"] = key;
    return run_dropout(x, p, static_cast<std::uint64_t>(key));
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto key = static_cast<std::uint64_t>(context->saved_data["key"].toInt());
    return {run_dropout(gradients[0].contiguous(), context->saved_data["p"].toDouble(), key),
            torch::Tensor(), torch::Tensor()};
  }
};

torch::Tensor device_dropout(const torch::Tensor& x, double p, std::uint64_t key) {
  at::Generator generator = at::globalContext().defaultGenerator(x.device());
  {
    const std::scoped_lock lock(generator.mutex());
    generator.set_current_seed(key);
  }
  return std::get<0>(at::native_dropout(x, p, /*train=*/true));
}

}  // namespace

torch::Tensor add_dropout(const torch::Tensor& residual, const torch::Tensor& x, double p,
                          std::uint64_t key) {
  base::check(residual.sizes() == x.sizes() && residual.dtype() == x.dtype(),
              "add_dropout: residual is ", residual.sizes(), ", x ", x.sizes());
  base::check(p >= 0 && p < 1, "add_dropout: probability ", p);
  if (p == 0) return residual + x;
  if (x.is_cuda()) return residual + device_dropout(x, p, key);
  return AddDropout::apply(residual.contiguous(), x.contiguous(), p,
                           static_cast<std::int64_t>(key));
}

torch::Tensor with_dropout(const torch::Tensor& x, double p, std::uint64_t key) {
  base::check(p >= 0 && p < 1, "dropout: probability ", p);
  if (p == 0) return x;
  if (x.is_cuda()) return device_dropout(x, p, key);
  return Dropout::apply(x.contiguous(), p, static_cast<std::int64_t>(key));
}

}  // namespace kernels
