#pragma once

#include <cstdint>
#include <functional>

#include "harness.h"
#include "model/language_model.h"

// What the benchmarks on a GPU share. Without one they are skipped.
namespace bench {

constexpr const char* kNoGpu = "there is no GPU that this build can use";

struct GpuSize {
  const char* name;
  std::int64_t layers, heads, width;
};
constexpr GpuSize k124M{"124M", 12, 12, 768}, k345M{"345M", 24, 16, 1024};
constexpr std::int64_t kGpuVocabulary = 50257;

// GPT-2 on the GPU, its random weights drawn there.
model::LanguageModel gpu_model(const GpuSize& size, std::int64_t positions);

// What the card gives: its name; a large copy, bytes read and written, in GB/s; a product of 8192 x
// 8192 bf16 matrices of random numbers, in TFLOP/s. Measured once.
struct GpuCeilings {
  std::string card;
  double copy = 0, products = 0;
};
const GpuCeilings& gpu_ceilings();
base::Json to_json(const GpuCeilings& ceilings);

// Seconds until the GPU has done the work.
double gpu_seconds(const std::function<void()>& work);

// Ours and plain in turns, after one of each that does not count: medians over rounds.
struct GpuComparison {
  double ours = 0, plain = 0;  // seconds
  double ratio = 0;            // plain / ours
};
GpuComparison gpu_compare(int rounds, const std::function<double()>& ours_seconds,
                          const std::function<double()>& plain_seconds);

}  // namespace bench
