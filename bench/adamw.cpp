#include "kernels/adamw.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "harness.h"
#include "model/language_model.h"

namespace bench {
namespace {

constexpr double kLearningRate = 1e-4, kDecay = .1, kMaxNorm = 1;

// fp32 parameters, moments and bf16 gradients and copies, of the shapes of a model's parameters.
struct State {
  std::vector<torch::Tensor> parameters, gradients, first, second, copies, steps;

  explicit State(const model::ModelConfig& config) {
    for (const torch::Tensor& parameter : model::random_model(config, 1).parameters.tensors()) {
      parameters.push_back(parameter.detach());
      gradients.push_back(parameters.back().to(torch::kBFloat16));
      first.push_back(torch::zeros_like(parameters.back()));
      second.push_back(torch::zeros_like(parameters.back()));
      copies.push_back(torch::empty_like(gradients.back()));
      steps.push_back(torch::zeros({}));
    }
  }
};

void ours(State& state, double step) {
  const double norm = kernels::global_norm(state.gradients);
  std::vector<kernels::AdamWTensors> all;
  for (std::size_t i = 0; i < state.parameters.size(); ++i)
    all.push_back({state.parameters[i], state.gradients[i], state.first[i], state.second[i],
                   state.copies[i]});
  kernels::adamw_step(all, {.learning_rate = kLearningRate,
                            .weight_decay = kDecay,
                            .step = step,
                            .gradient_divisor = std::max(1., norm / kMaxNorm)});
}

// libtorch's fused step, with the passes before and after it that it does not do.
void plain(State& state) {
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& gradient : state.gradients)
    gradients.push_back(gradient.to(torch::kFloat32));
  double square = 0;
  for (const torch::Tensor& norm : at::_foreach_norm(gradients, 2))
    square += std::pow(norm.item<double>(), 2);
  const double norm = std::sqrt(square);
  at::_foreach_add_(state.steps, 1);
  at::_fused_adamw_(state.parameters, gradients, state.first, state.second, {}, state.steps,
                    kLearningRate, .9, .95, kDecay, 1e-8, false, false,
                    torch::tensor(static_cast<float>(std::max(1., norm / kMaxNorm))));
  for (std::size_t i = 0; i < state.copies.size(); ++i) state.copies[i].copy_(state.parameters[i]);
}

base::Json run(const Options& options) {
  torch::NoGradGuard no_grad;
  const model::ModelConfig config = model::gpt2_config(12, 12, 768, 1024, 50257);
  State mine(config), theirs(config);
  double step = 0;
  for (int i = 0; i < 3; ++i) {
    ours(mine, ++step);
    plain(theirs);
  }
  double numbers = 0;
  for (std::size_t i = 0; i < mine.parameters.size(); ++i) {
    numbers += static_cast<double>(mine.parameters[i].numel());
    const double error = (mine.parameters[i] - theirs.parameters[i]).abs().max().item<double>();
    base::check(error < 1e-6, "bench adamw: the parameters differ by ", error);
  }
  const Comparison result = compare(
      options.rounds, [&] { ours(mine, ++step); }, [&] { plain(theirs); });
  base::Json json = to_json(result);
  // The gradient read twice, four numbers of 4 bytes read and three written, the copy written.
  json["gb_per_s"] = numbers * (2 * 2 + 12 + 12 + 2) / result.ours / 1e9;
  return json;
}

}  // namespace

Benchmark adamw_benchmark() {
  return {"adamw", "AdamW over 124M with clipping, bf16 gradients and bf16 copy", run};
}

}  // namespace bench
