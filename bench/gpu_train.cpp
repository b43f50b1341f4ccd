#include <cmath>

#include "base/error.h"
#include "gpu.h"
#include "kernels/cuda.h"
#include "plain_sft.h"
#include "sequences.h"
#include "train/adamw.h"
#include "train/sft.h"

namespace bench {
namespace {

constexpr int kTokens = 1024;
constexpr double kLearningRate = 1e-4, kMaxNorm = 1;

base::Json train(const GpuSize& size, int batch, int rounds) {
  const model::LanguageModel initial = gpu_model(size, kTokens);
  const std::vector<train::Sequence> sequences =
      random_sequences(std::vector<int>(static_cast<std::size_t>(batch), kTokens), kGpuVocabulary);
  std::vector<const train::Sequence*> pointers;
  std::vector<std::vector<int>> rows;
  for (const train::Sequence& sequence : sequences) {
    pointers.push_back(&sequence);
    rows.push_back(sequence.ids);
  }
  const torch::Tensor ids = model::pack(rows).ids.view({batch, kTokens}).to(torch::kCUDA);

  model::LanguageModel ours = initial.copy();
  train::AdamW optimiser(ours.parameters.tensors(), {.weight_decay = .1});
  const auto step = [&] {
    const torch::Tensor loss = train::sft_loss(model::cast(ours, torch::kBFloat16), pointers, {});
    loss.backward();
    optimiser.step(kLearningRate, kMaxNorm);
    return loss.item<double>();
  };
  PlainSft plain(initial, PlainModel::Attention::fused, /*chunk=*/4096);
  // The same work: the same losses, before and after three steps. bf16 keeps 8 bits.
  for (int i = 0; i < 3; ++i) {
    const double a = step(), b = plain.step(ids, kLearningRate, kMaxNorm);
    base::check(std::abs(a - b) < 1e-2 * b, "bench gpu-train: the losses differ, ", a, " and ", b);
  }
  const GpuComparison result = gpu_compare(
      rounds, [&] { return gpu_seconds(step); },
      [&] { return gpu_seconds([&] { plain.step(ids, kLearningRate, kMaxNorm); }); });
  const double tokens = static_cast<double>(batch) * kTokens;
  // Products of the matrices, three times two a weight and token, and of attention, causal.
  const double flops =
      tokens * (6. * static_cast<double>(ours.parameters.count() -
                                         ours.parameters.at("wpe.weight").numel()) +
                6. * static_cast<double>(size.layers * size.width) * kTokens);
  return {{"tokens_a_step", tokens},
          {"tokens_per_s", tokens / result.ours},
          {"plain_tokens_per_s", tokens / result.plain},
          {"ratio", result.ratio},
          {"of_bf16_products", flops / result.ours / 1e12 / gpu_ceilings().products}};
}

base::Json run(const Options& options) {
  if (!kernels::cuda::has_device()) return nullptr;
  base::Json json = to_json(gpu_ceilings());
  for (const auto& [size, batch] : {std::pair{k124M, 32}, {k345M, 16}}) {
    const base::Json figures = train(size, batch, options.rounds);
    for (const auto& [key, value] : figures.items())
      json[std::string(size.name) + "_" + key] = value;
  }
  return json;
}

}  // namespace

Benchmark gpu_train_benchmark() {
  return {"gpu-train",
          "a training step of GPT-2 124M (32 x 1024 tokens) and 345M (16 x 1024), bf16, on a GPU",
          run, kNoGpu};
}

}  // namespace bench
