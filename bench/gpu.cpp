#include "gpu.h"

#include "kernels/cuda.h"
#include "model/layout.h"

namespace bench {
namespace {

GpuCeilings measure() {
  constexpr int kTimes = 20;
  constexpr std::int64_t kSide = 8192;
  const auto options = torch::TensorOptions().device(torch::kCUDA);
  GpuCeilings out;
  out.card = kernels::cuda::card();
  {
    const torch::Tensor from = at::randn({1 << 30}, options);  // 4 GiB
    torch::Tensor to = torch::empty_like(from);
    to.copy_(from);
    out.copy = 2. * static_cast<double>(from.nbytes()) * kTimes / 1e9 / gpu_seconds([&] {
                 for (int i = 0; i < kTimes; ++i) to.copy_(from);
               });
  }
  const torch::Tensor a = at::randn({kSide, kSide}, options).to(torch::kBFloat16),
                      b = at::randn({kSide, kSide}, options).to(torch::kBFloat16);
  torch::Tensor c = at::mm(a, b);
  for (int i = 0; i < 3; ++i) at::mm_out(c, a, b);
  out.products = 2. * kSide * kSide * kSide * kTimes / 1e12 / gpu_seconds([&] {
                   for (int i = 0; i < kTimes; ++i) at::mm_out(c, a, b);
                 });
  return out;
}

}  // namespace

model::LanguageModel gpu_model(const GpuSize& size, std::int64_t positions) {
  const model::ModelConfig config =
      model::gpt2_config(size.layers, size.heads, size.width, positions, kGpuVocabulary)
          .complete("bench");
  const auto options = torch::TensorOptions().device(torch::kCUDA);
  model::TensorMap tensors;
  for (const model::TensorShape& tensor : model::tensor_shapes(config))
    tensors[tensor.name] = tensor.name.ends_with(".bias") ? torch::zeros(tensor.shape, options)
                           : tensor.shape.size() == 1     ? torch::ones(tensor.shape, options)
                                                          : .02 * at::randn(tensor.shape, options);
  return model::model_from_tensors(config, tensors, "bench");
}

const GpuCeilings& gpu_ceilings() {
  static const GpuCeilings ceilings = measure();
  return ceilings;
}

base::Json to_json(const GpuCeilings& ceilings) {
  return {{"card", ceilings.card},
          {"probed_copy_gb_per_s", ceilings.copy},
          {"probed_bf16_tflops", ceilings.products}};
}

double gpu_seconds(const std::function<void()>& work) {
  kernels::cuda::synchronise();
  return seconds([&] {
    work();
    kernels::cuda::synchronise();
  });
}

GpuComparison gpu_compare(int rounds, const std::function<double()>& ours_seconds,
                          const std::function<double()>& plain_seconds) {
  ours_seconds();
  plain_seconds();
  std::vector<double> ours, plain, ratios;
  for (int i = 0; i < rounds; ++i) {
    if (i % 2) plain.push_back(plain_seconds());
    ours.push_back(ours_seconds());
    if (i % 2 == 0) plain.push_back(plain_seconds());
    ratios.push_back(plain.back() / ours.back());
  }
  return {median(ours), median(plain), median(ratios)};
}

}  // namespace bench
