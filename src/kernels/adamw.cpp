#include "kernels/adamw.h"

#include <cmath>

#include <ATen/Parallel.h>

#include "base/error.h"
#include "kernels/adamw_loops.h"
#include "kernels/row_parts.h"

namespace kernels {
namespace {

constexpr std::int64_t kPart = 1 << 16;  // numbers that a thread takes at a time

struct Part {
  std::size_t tensor;
  std::int64_t begin, size;
};

template <class Sizes>
std::vector<Part> parts_of(std::size_t tensors, const Sizes& size_of) {
  std::vector<Part> parts;
  for (std::size_t i = 0; i < tensors; ++i)
    for (std::int64_t begin = 0; begin < size_of(i); begin += kPart)
      parts.push_back({i, begin, std::min(kPart, size_of(i) - begin)});
  return parts;
}

template <class F>
void each_part(const std::vector<Part>& parts, const F& f) {
  at::parallel_for(0, static_cast<std::int64_t>(parts.size()), 1,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i)
                       f(parts[static_cast<std::size_t>(i)], static_cast<std::size_t>(i));
                   });
}

void check_tensors(const AdamWTensors& t) {
  const auto fits = [&](const torch::Tensor& x) {
    return x.sizes() == t.parameter.sizes() && x.is_contiguous();
  };
  const auto fp32 = [](const torch::Tensor& x) { return x.scalar_type() == torch::kFloat32; };
  base::check(fits(t.parameter) && fits(t.gradient) && fits(t.first_moment) &&
                  fits(t.second_moment) && (!t.copy.defined() || fits(t.copy)),
              "adamw_step: a parameter of shape ", t.parameter.sizes(), " with a gradient of ",
              t.gradient.sizes(), ", or one that is not contiguous");
  base::check(fp32(t.parameter) && fp32(t.first_moment) && fp32(t.second_moment) &&
                  (fp32(t.gradient) || t.gradient.scalar_type() == torch::kBFloat16) &&
                  (!t.copy.defined() || t.copy.scalar_type() == torch::kBFloat16),
              "adamw_step: a tensor of another type");
}

}  // namespace

void adamw_step(const std::vector<AdamWTensors>& all, const AdamWStep& step) {
  for (const AdamWTensors& tensors : all) check_tensors(tensors);
  const loops::AdamStep s{
      static_cast<float>(1 / step.gradient_divisor),
      static_cast<float>(1 - step.beta1),
      static_cast<float>(step.beta2),
      static_cast<float>(1 - step.beta2),
      static_cast<float>(1 - step.learning_rate * step.weight_decay),
      static_cast<float>(step.learning_rate / (1 - std::pow(step.beta1, step.step))),
      static_cast<float>(1 / std::sqrt(1 - std::pow(step.beta2, step.step))),
      static_cast<float>(step.epsilon)};
  const auto size_of = [&](std::size_t i) { return all[i].parameter.numel(); };
  each_part(parts_of(all.size(), size_of), [&](const Part& part, std::size_t) {
    const AdamWTensors& t = all[part.tensor];
    loops::bf16* copy =
        t.copy.defined() ? rows::data_of(t.copy, loops::bf16{}) + part.begin : nullptr;
    rows::with_type(t.gradient, [&](auto type) {
      loops::adamw(rows::data_of(t.parameter, 0.f) + part.begin,
                   rows::data_of(t.gradient, type) + part.begin,
                   rows::data_of(t.first_moment, 0.f) + part.begin,
                   rows::data_of(t.second_moment, 0.f) + part.begin, copy, part.size, s);
    });
  });
  // They were written past autograd's eyes.
  for (const AdamWTensors& t : all)
    for (const torch::Tensor& x : {t.parameter, t.first_moment, t.second_moment, t.copy})
      if (x.defined()) x.unsafeGetTensorImpl()->bump_version();
}

double global_norm(const std::vector<torch::Tensor>& gradients) {
  for (const torch::Tensor& gradient : gradients)
    base::check(gradient.is_contiguous(), "global_norm: a gradient that is not contiguous");
  const auto parts =
      parts_of(gradients.size(), [&](std::size_t i) { return gradients[i].numel(); });
  std::vector<double> sums(parts.size());
  each_part(parts, [&](const Part& part, std::size_t i) {
    rows::with_type(gradients[part.tensor], [&](auto type) {
      sums[i] = loops::sum_of_squares(rows::data_of(gradients[part.tensor], type) + part.begin,
                                      part.size);
    });
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  return std::sqrt(sum);
}

}  // namespace kernels
