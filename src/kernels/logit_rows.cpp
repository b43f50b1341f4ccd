#include "kernels/logit_rows.h"

#include <ATen/Parallel.h>

#include "kernels/cuda.h"
#include "kernels/few_rows.h"
#include "kernels/loops.h"
#include "kernels/row_parts.h"

namespace kernels {
namespace {

constexpr unsigned kThreads = 512;  // of a GPU, on one row

// The logit of a row's target.
float at_target(const float* row, std::int64_t target) { return row[target]; }
float at_target(const loops::bf16* row, std::int64_t target) {
  return static_cast<float>(reinterpret_cast<const at::BFloat16*>(row)[target]);
}

template <class F>
void over_rows(const torch::Tensor& logits, const F& loop) {
  rows::with_type(logits, [&](auto type) {
    auto* data = rows::data_of(logits, type);
    at::parallel_for(0, logits.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) loop(data + row * logits.stride(0), row);
    });
  });
}

float* floats(const torch::Tensor& x) { return x.defined() ? x.data_ptr<float>() : nullptr; }

cuda::Shape a_block_a_row(const torch::Tensor& logits) {
  return {static_cast<unsigned>(logits.size(0)), 1, kThreads, 0};
}

void device_summarise(const torch::Tensor& logits, const torch::Tensor& targets,
                      const RowShape& shape, const RowResults& results) {
  cuda::launch("summarise", logits.scalar_type(), a_block_a_row(logits), cuda::pointer(logits),
               static_cast<long long>(logits.stride(0)), static_cast<int>(shape.columns),
               shape.scale, cuda::pointer(targets), cuda::pointer(results.log_normalisers),
               cuda::pointer(results.entropies), cuda::pointer(results.log_probs));
}

void device_backward(const torch::Tensor& logits, const torch::Tensor& targets,
                     const RowShape& shape, const RowResults& results,
                     const RowGradients& gradients) {
  cuda::launch("row_backward", logits.scalar_type(), a_block_a_row(logits), cuda::pointer(logits),
               static_cast<long long>(logits.stride(0)), static_cast<int>(shape.columns),
               shape.scale, cuda::pointer(targets), cuda::pointer(results.log_normalisers),
               cuda::pointer(results.entropies), cuda::pointer(gradients.by_log_prob),
               cuda::pointer(gradients.by_normaliser), cuda::pointer(gradients.by_entropy));
}

}  // namespace

torch::Tensor padded_rows(const torch::Tensor& weight) {
  constexpr std::int64_t kRows = 64;
  const std::int64_t more = (kRows - weight.size(0) % kRows) % kRows;
  return weight.is_cuda() && more > 0 ? at::constant_pad_nd(weight, {0, 0, 0, more}) : weight;
}

torch::Tensor logits_of(const torch::Tensor& hidden, const torch::Tensor& padded) {
  return are_few_rows(hidden, padded.t()) ? few_rows(hidden, padded.t())
                                          : at::linear(hidden, padded);
}

RowResults RowResults::narrow(std::int64_t begin, std::int64_t size) const {
  return {log_normalisers.narrow(0, begin, size), entropies.narrow(0, begin, size),
          log_probs.narrow(0, begin, size)};
}

RowResults empty_results(std::int64_t rows, torch::Device device) {
  const auto options = torch::TensorOptions().dtype(torch::kFloat32).device(device);
  return {torch::empty({rows}, options), torch::empty({rows}, options),
          torch::empty({rows}, options)};
}

void summarise_rows(const torch::Tensor& logits, const torch::Tensor& targets,
                    const RowShape& shape, const RowResults& results) {
  if (logits.is_cuda()) return device_summarise(logits, targets, shape, results);
  const std::int64_t* target = targets.data_ptr<std::int64_t>();
  float *normaliser = floats(results.log_normalisers), *entropy = floats(results.entropies),
        *log_prob = floats(results.log_probs);
  over_rows(logits, [&](auto* row, std::int64_t t) {
    const loops::RowSummary summary = loops::summarise_row(row, shape.columns, shape.scale);
    normaliser[t] = summary.log_normaliser;
    entropy[t] = summary.entropy;
    log_prob[t] =
        target[t] < 0 ? 0 : at_target(row, target[t]) * shape.scale - summary.log_normaliser;
  });
}

void rows_backward(torch::Tensor& logits, const torch::Tensor& targets, const RowShape& shape,
                   const RowResults& results, const RowGradients& gradients) {
  if (logits.is_cuda()) return device_backward(logits, targets, shape, results, gradients);
  const std::int64_t* target = targets.data_ptr<std::int64_t>();
  const float *normaliser = floats(results.log_normalisers), *entropy = floats(results.entropies),
              *by_log_prob = floats(gradients.by_log_prob),
              *by_normaliser = floats(gradients.by_normaliser),
              *by_entropy = floats(gradients.by_entropy);
  const auto at = [](const float* x, std::int64_t t) { return x ? x[t] : 0.f; };
  over_rows(logits, [&](auto* row, std::int64_t t) {
    loops::row_backward(row, shape.columns, shape.scale, {normaliser[t], entropy[t]},
                        {at(by_log_prob, t), at(by_normaliser, t), at(by_entropy, t), target[t]});
  });
}

void learn_rows(torch::Tensor& logits, const torch::Tensor& targets, const RowShape& shape,
                const RowResults& results, const torch::Tensor& by_log_prob) {
  if (logits.is_cuda()) {
    device_summarise(logits, targets, shape, results);
    device_backward(logits, targets, shape, results, {by_log_prob, {}, {}});
    return;
  }
  const std::int64_t* target = targets.data_ptr<std::int64_t>();
  float* log_prob = floats(results.log_probs);
  const float* by = floats(by_log_prob);
  over_rows(logits, [&](auto* row, std::int64_t t) {
    const loops::RowSummary summary = loops::summarise_row(row, shape.columns, shape.scale);
    log_prob[t] =
        target[t] < 0 ? 0 : at_target(row, target[t]) * shape.scale - summary.log_normaliser;
    loops::row_backward(row, shape.columns, shape.scale, summary, {by[t], 0, 0, target[t]});
  });
}

}  // namespace kernels
