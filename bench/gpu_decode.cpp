#include "gpu.h"
#include "kernels/cuda.h"
#include "model/draw_loop.h"
#include "plain_model.h"
#include "sequences.h"

namespace bench {
namespace {

constexpr int kPrompt = 128, kNew = 64;

// Decoder and draw loop, as rollouts use them; the prompts' own work is not timed.
class Ours {
 public:
  Ours(const model::Weights& weights, int batch)
      : prompts_(random_prompts(batch, kPrompt, kGpuVocabulary)),
        decoder_(weights, batch, kPrompt + kNew),
        loop_(decoder_, kGpuVocabulary) {}

  double run() {
    const model::Decoder::Started started = decoder_.start(prompts_);
    std::vector<model::DrawRequest> requests;
    for (std::int64_t slot : started.slots)
      requests.push_back({.slot = slot, .token = 1, .uniforms = std::vector<double>(kNew, .37)});
    const double took = gpu_seconds([&] { loop_.draw(requests); });
    for (std::int64_t slot : started.slots) decoder_.end(slot);
    return took;
  }

 private:
  std::vector<std::vector<int>> prompts_;
  model::Decoder decoder_;
  model::DrawLoop loop_;
};

double plain_run(const PlainModel& plain, const torch::Tensor& prompts) {
  torch::NoGradGuard no_grad;
  PlainModel::Cache cache = plain.make_cache(prompts.size(0), kPrompt + kNew);
  plain.hidden(prompts, &cache);
  torch::Tensor next = prompts.narrow(1, 0, 1);
  return gpu_seconds([&] {
    for (int t = 0; t < kNew; ++t) next = plain.draw_next(next, cache);
  });
}

base::Json run(const Options& options) {
  if (!kernels::cuda::has_device()) return nullptr;
  base::Json json = to_json(gpu_ceilings());
  for (const GpuSize& size : {k124M, k345M}) {
    const model::LanguageModel model = gpu_model(size, kPrompt + kNew);
    torch::NoGradGuard no_grad;
    const model::Weights weights = model::cast(model, torch::kBFloat16);
    PlainModel plain(model, PlainModel::Attention::fused);
    plain.cast();
    // Every weight but the positions, once a step.
    const double bytes = 2. * static_cast<double>(model.parameters.count() -
                                                  model.parameters.at("wpe.weight").numel());
    for (const int batch : {1, 8, 64}) {
      Ours ours(weights, batch);
      const torch::Tensor prompts =
          at::randint(kGpuVocabulary, {batch, kPrompt},
                      torch::TensorOptions().device(torch::kCUDA).dtype(torch::kInt64));
      const GpuComparison result = gpu_compare(
          options.rounds, [&] { return ours.run(); }, [&] { return plain_run(plain, prompts); });
      const double cache = 2. * 2 * batch * static_cast<double>(size.layers * size.width) *
                           (kPrompt + kNew / 2);  // read: bf16 keys and values
      const std::string name = std::string(size.name) + "_b" + std::to_string(batch);
      json[name + "_tokens_per_s"] = batch * kNew / result.ours;
      json[name + "_us_a_step"] = result.ours / kNew * 1e6;
      json[name + "_of_copy_rate"] =
          (bytes + cache) * kNew / result.ours / 1e9 / gpu_ceilings().copy;
      json[name + "_plain_tokens_per_s"] = batch * kNew / result.plain;
      json[name + "_ratio"] = result.ratio;
    }
  }
  return json;
}

}  // namespace

Benchmark gpu_decode_benchmark() {
  return {
      "gpu-decode",
      "64 tokens drawn after prompts of 128, GPT-2 124M and 345M, 1, 8 and 64 side by side, on a "
      "GPU",
      run, kNoGpu};
}

}  // namespace bench
