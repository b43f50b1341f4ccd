#include "gpu.h"
#include "kernels/cuda.h"
#include "plain_ppo.h"
#include "ppo_iteration.h"

namespace bench {
namespace {

base::Json run(const Options& options) {
  if (!kernels::cuda::has_device()) return nullptr;
  const PpoWork work{.prompts = 64, .prompt = 128, .reply = 64, .minibatch = 16};
  const model::LanguageModel initial = gpu_model(k345M, work.positions());
  PpoIteration ours(initial, ppo_tokens(), work);
  const auto device = torch::TensorOptions().device(torch::kCUDA);
  const torch::Tensor
      prompts =
          at::randint(kPpoVocabulary, {work.batch(), work.prompt}, device.dtype(torch::kInt64)),
      scores = at::arange(work.batch(), device.dtype(torch::kInt64)).remainder(2).to(torch::kFloat);
  PlainPpo plain(initial, PlainModel::Attention::fused,
                 {work.prompt, work.reply, work.minibatch, ppo_settings(work).epochs});
  const GpuComparison result = gpu_compare(
      options.rounds, [&] { return gpu_seconds([&] { ours.iterate(); }); },
      [&] { return gpu_seconds([&] { plain.iterate(prompts, scores, kPpoLearningRate); }); });
  base::Json json = {{"seconds", result.ours},
                     {"plain_seconds", result.plain},
                     {"ratio", result.ratio},
                     {"rollout_share", ours.rollout_share()},
                     {"score_share", ours.score_share()},
                     {"update_share", 1 - ours.rollout_share() - ours.score_share()},
                     {"tokens_a_reply", ours.mean_reply()}};
  json.update(to_json(gpu_ceilings()));
  return json;
}

}  // namespace

Benchmark gpu_ppo_benchmark() {
  return {
      "gpu-ppo",
      "a PPO iteration of GPT-2 345M, 64 x (128 + 64), 4 epochs of minibatches of 16, bf16, on a "
      "GPU",
      run, kNoGpu};
}

}  // namespace bench
