#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/parameters.h"

namespace train {

// Where epsilon stands in step t = rate * m' / (sqrt(v') + epsilon), with m' = m / (1 - beta1^t).
enum class AdamForm {
  // v' = v / (1 - beta2^t), as in the paper and PyTorch.
  pytorch,
  // The step is rate * sqrt(1 - beta2^t) * m' / (sqrt(v) + epsilon), as in TensorFlow 1: epsilon
  // counts for 1 / sqrt(1 - beta2^t) as much, 32 times at the first step with beta2 = .999, and
  // early steps on small gradients are smaller by that (Huang et al. 2023, "The N Implementation
  // Details of RLHF with PPO").
  tensorflow,
};

struct AdamWOptions {
  double beta1 = .9;
  double beta2 = .95;
  double epsilon = 1e-8;
  double weight_decay = .01;  // of tensors with two dimensions or more; the others are not decayed
  AdamForm form = AdamForm::pytorch;
};

// AdamW (Loshchilov & Hutter 2019) over a set of parameters, in fp32: on the processor in one pass
// of our own (kernels/adamw.h), elsewhere by libtorch's fused kernel.
class AdamW {
 public:
  AdamW(std::vector<torch::Tensor> parameters, const AdamWOptions& options);

  // From here on gradients are those of `copies`, the parameters in bf16 in the order given, and
  // each step writes the parameters into them as well. Throws base::Error where they do not match
  // or the parameters are not on the processor.
  void use_copies(std::vector<torch::Tensor> copies);

  // Scales the gradients down to a global norm of at most `max_norm` (0: not at all), steps and
  // clears them. Returns the norm before. Where it is not finite nothing is changed but the
  // gradients are cleared.
  double step(double learning_rate, double max_norm);

  void clear_gradients();

  // The moments under PREFIX + index, to save and to take back. load throws base::Error where one
  // is missing.
  void save(model::TensorMap& tensors, const std::string& prefix) const;
  void load(const model::TensorMap& tensors, const std::string& prefix);

 private:
  double gradient_norm();  // where there was no gradient, there is one of 0 afterwards
  struct Group {
    std::vector<torch::Tensor> parameters, copies, first_moments, second_moments, steps;
    double weight_decay;

    // Whose gradients count.
    std::vector<torch::Tensor>& leaves() { return copies.empty() ? parameters : copies; }
  };
  void step_group(Group& group, double learning_rate, double divisor) const;
  std::vector<Group> groups_;
  AdamWOptions options_;
};

// Linear warm-up from 0 over `warmup` steps, then a cosine to 0 at `total`. step counts from 1. In
// [0, 1].
double cosine_schedule(std::int64_t step, std::int64_t warmup, std::int64_t total);

}  // namespace train
