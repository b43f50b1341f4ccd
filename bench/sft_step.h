#pragma once

#include <vector>

#include "model/forward.h"
#include "train/adamw.h"
#include "train/windows.h"

namespace bench {

constexpr double kSftLearningRate = 1e-4, kSftMaxNorm = 1;

// A training step of ours: loss, backward, clip, AdamW with the cast where there is one.
class SftStep {
 public:
  // Keeps references to the sequences.
  SftStep(const model::LanguageModel& initial, const std::vector<train::Sequence>& sequences);

  double step();  // the loss before it

 private:
  model::LanguageModel model_;
  std::vector<torch::Tensor> copies_;  // in bf16, as train::train_sft keeps them; none in fp32
  train::AdamW optimiser_;
  std::vector<const train::Sequence*> batch_;
};

// [B, T], -1 behind a sequence's end.
torch::Tensor padded(const std::vector<train::Sequence>& sequences);

}  // namespace bench
