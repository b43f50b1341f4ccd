#pragma once

#include "plain_model.h"

namespace bench {

// A training step in plain libtorch: the output layer in chunks of tokens whose gradient is worked
// out with the loss, so that no logits are computed twice.
class PlainSft {
 public:
  PlainSft(const model::LanguageModel& initial, PlainModel::Attention attention,
           std::int64_t chunk = 128)
      : model_(initial, attention), chunk_(chunk) {}

  // ids: [B, T] int64, -1 behind a sequence's end. The mean cross-entropy of each sequence's tokens
  // but the first, before the step.
  double step(const torch::Tensor& ids, double learning_rate, double max_norm);

 private:
  PlainModel model_;
  std::int64_t chunk_;  // tokens
};

}  // namespace bench
