#include "base/error.h"
#include "gpu.h"
#include "kernels/cuda.h"
#include "kernels/log_prob_head.h"
#include "plain_model.h"

namespace bench {
namespace {

constexpr std::int64_t kTokens = 8192, kWidth = 1024;

// As it is commonly written: all logits in fp32.
torch::Tensor plain_log_probs(const torch::Tensor& hidden, const torch::Tensor& weight,
                              const torch::Tensor& targets) {
  return at::log_softmax(at::linear(hidden, weight), 1, torch::kFloat32)
      .gather(1, targets.unsqueeze(1))
      .squeeze(1);
}

base::Json run(const Options& options) {
  if (!kernels::cuda::has_device()) return nullptr;
  const auto device = torch::TensorOptions().device(torch::kCUDA);
  const auto random = [&](std::int64_t rows, double deviation) {
    return (deviation * at::randn({rows, kWidth}, device))
        .to(torch::kBFloat16)
        .set_requires_grad(true);
  };
  torch::Tensor hidden = random(kTokens, 1), weight = random(kGpuVocabulary, .02);
  const torch::Tensor targets = at::randint(kGpuVocabulary, {kTokens}, device.dtype(torch::kInt64));
  const torch::Tensor counts = torch::full({kTokens}, -1. / kTokens, device);
  const auto forward = [&] {
    torch::NoGradGuard no_grad;
    return kernels::log_prob_head(hidden, weight, targets).log_probs;
  };
  const auto plain_forward = [&] {
    torch::NoGradGuard no_grad;
    return plain_log_probs(hidden, weight, targets);
  };
  // bf16 logits keep 8 bits.
  const double apart = (forward() - plain_forward()).abs().max().item<double>();
  base::check(apart < 1e-2, "bench gpu-head: log-probabilities differ by ", apart);

  const auto learn = [&](bool ours) {
    hidden.mutable_grad() = weight.mutable_grad() = torch::Tensor();
    (ours ? kernels::weighted_log_prob(hidden, weight, targets, counts)
          : -plain_log_probs(hidden, weight, targets).mean())
        .backward();
  };
  learn(true);
  const torch::Tensor gradient = weight.grad();
  learn(false);
  const double error = relative_error(gradient, weight.grad());
  base::check(error < 2e-2, "bench gpu-head: gradients are ", error, " apart");

  const double flops = 2. * kTokens * kWidth * kGpuVocabulary;
  const GpuComparison one = gpu_compare(
      options.rounds, [&] { return gpu_seconds(forward); },
      [&] { return gpu_seconds(plain_forward); });
  const GpuComparison both = gpu_compare(
      options.rounds, [&] { return gpu_seconds([&] { learn(true); }); },
      [&] { return gpu_seconds([&] { learn(false); }); });
  base::Json json = {{"tokens", kTokens},
                     {"forward_tflops", flops / one.ours / 1e12},
                     {"forward_plain_tflops", flops / one.plain / 1e12},
                     {"forward_ratio", one.ratio},
                     {"both_tflops", 3 * flops / both.ours / 1e12},
                     {"both_plain_tflops", 3 * flops / both.plain / 1e12},
                     {"both_ratio", both.ratio},
                     {"log_probs_apart", apart},
                     {"gradients_apart", error}};
  json.update(to_json(gpu_ceilings()));
  return json;
}

}  // namespace

Benchmark gpu_head_benchmark() {
  return {"gpu-head", "the output layer of 8192 tokens, width 1024, vocabulary 50,257, on a GPU",
          run, kNoGpu};
}

}  // namespace bench
