#include <fstream>
#include <functional>
#include <string>

#include <malloc.h>

#include "base/error.h"
#include "harness.h"
#include "plain_sft.h"
#include "ppo_iteration.h"
#include "sequences.h"
#include "sft_step.h"

namespace bench {
namespace {

constexpr int kLayers = 24, kHeads = 16, kWidth = 1024;
constexpr std::int64_t kVocabulary = 50257;

// A line of /proc/self/status, in GiB.
double status(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind(name + ":", 0) == 0) return std::stod(line.substr(name.size() + 1)) / (1 << 20);
  base::check(false, "bench memory: no ", name, " in /proc/self/status");
  return 0;
}

// The most memory that the process has while it works, all in all. What was there before counts.
double peak(const std::function<void()>& work) {
  malloc_trim(0);
  std::ofstream reset("/proc/self/clear_refs");
  reset << 5 << std::flush;  // the high-water mark begins anew
  base::check(reset.good(), "bench memory: /proc/self/clear_refs cannot be written");
  work();
  return status("VmHWM");
}

base::Json run(const Options&) {
  base::Json json;
  const std::vector<train::Sequence> sequences =
      random_sequences(std::vector<int>(4, 192), kVocabulary);
  json["start_gib"] = status("VmRSS");
  {
    const model::LanguageModel initial =
        model::random_model(model::gpt2_config(kLayers, kHeads, kWidth, 192, kVocabulary), 1);
    const double ours = peak([&] {
      SftStep step(initial, sequences);
      for (int i = 0; i < 2; ++i) step.step();
    });
    const double plain = peak([&] {
      PlainSft step(initial, PlainModel::Attention::unfused);
      for (int i = 0; i < 2; ++i) step.step(padded(sequences), kSftLearningRate, kSftMaxNorm);
    });
    json["sft_345m_gib"] = ours;
    json["sft_345m_plain_gib"] = plain;
    json["sft_345m_share_of_plain"] = ours / plain;
  }
  json["ppo_345m_gib"] = peak([&] {
    const PpoWork work{.prompts = 16, .layers = kLayers, .width = kWidth};
    PpoIteration iteration(ppo_model(work), ppo_tokens(), work);
    iteration.iterate();
  });
  return json;
}

}  // namespace

Benchmark memory_benchmark() {
  return {
      "memory",
      "peak memory: two training steps of 345M, 4 x 192 tokens, and a PPO iteration of it, 16 x "
      "(64 + 64); the model that they start from counts",
      run};
}

}  // namespace bench
