#pragma once

#include <vector>

#include <torch/types.h>

namespace kernels {

struct AdamWStep {
  double learning_rate = 0;
  double beta1 = .9, beta2 = .95;
  double epsilon = 1e-8;
  double weight_decay = 0;
  double step = 1;              // from 1 on
  double gradient_divisor = 1;  // what gradients are divided by on the way
};

// A parameter and what an optimiser keeps of it: fp32 tensors of one shape, contiguous, on the
// processor. gradient: fp32 or bf16. copy: bf16, or undefined.
struct AdamWTensors {
  torch::Tensor parameter, gradient, first_moment, second_moment, copy;
};

// One step of AdamW (Loshchilov & Hutter 2019) in one pass over memory: moments, parameters and
// their bf16 copies. As at::_fused_adamw_ over the gradients divided by the divisor, but for
// rounding. Throws base::Error where shapes or types differ.
void adamw_step(const std::vector<AdamWTensors>& all, const AdamWStep& step);

// The norm of all gradients together. Throws base::Error where one is not contiguous.
double global_norm(const std::vector<torch::Tensor>& gradients);

}  // namespace kernels
