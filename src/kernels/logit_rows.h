#pragma once

#include <torch/types.h>

// What the output layer (kernels/log_prob_head.h) does with rows of logits: our loops on the
// processor, our kernels on a GPU.
namespace kernels {

// The weight [V, C] as the device multiplies it fastest: [W, C], W >= V, on a GPU with rows of 0
// behind it until 64 divides W. Its logits behind the first V are 0.
torch::Tensor padded_rows(const torch::Tensor& weight);

// hidden [t, C] times a padded weight: [t, W], contiguous, without gradient. The weight must have
// been there for a while (cuda::Shape::early).
torch::Tensor logits_of(const torch::Tensor& hidden, const torch::Tensor& padded);

// Of rows of logits, each multiplied by a scale: [t] float each.
struct RowResults {
  torch::Tensor log_normalisers, entropies;
  torch::Tensor log_probs;  // of the targets; 0 where the target is -1

  RowResults narrow(std::int64_t begin, std::int64_t size) const;
};
RowResults empty_results(std::int64_t rows, torch::Device device);

// What all rows share: of logits [t, W] the first V count.
struct RowShape {
  std::int64_t columns;  // V
  float scale;
};

// targets: [t] int64; writes `results`.
void summarise_rows(const torch::Tensor& logits, const torch::Tensor& targets,
                    const RowShape& shape, const RowResults& results);

// Overwrites logits by the gradient of the sum over rows of the three results, each times its
// [t] float here; undefined: times 0.
struct RowGradients {
  torch::Tensor by_log_prob, by_normaliser, by_entropy;
};
void rows_backward(torch::Tensor& logits, const torch::Tensor& targets, const RowShape& shape,
                   const RowResults& results, const RowGradients& gradients);

// Both in one visit, for the log-probabilities alone.
void learn_rows(torch::Tensor& logits, const torch::Tensor& targets, const RowShape& shape,
                const RowResults& results, const torch::Tensor& by_log_prob);

}  // namespace kernels
