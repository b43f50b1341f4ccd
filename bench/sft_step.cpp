#include "sft_step.h"

#include <algorithm>

#include "harness.h"
#include "train/sft.h"

namespace bench {

SftStep::SftStep(const model::LanguageModel& initial, const std::vector<train::Sequence>& sequences)
    : model_(initial.copy()), optimiser_(model_.parameters.tensors(), {.weight_decay = .1}) {
  if (compute_type() == torch::kBFloat16) {
    copies_ = model::trained_copies(model_, torch::kBFloat16);
    optimiser_.use_copies(copies_);
  }
  for (const train::Sequence& sequence : sequences) batch_.push_back(&sequence);
}

double SftStep::step() {
  const model::Weights weights =
      copies_.empty() ? model::cast(model_, torch::kFloat32) : model::from_copies(model_, copies_);
  const torch::Tensor loss = train::sft_loss(weights, batch_, {});
  loss.backward();
  optimiser_.step(kSftLearningRate, kSftMaxNorm);
  return loss.item<double>();
}

torch::Tensor padded(const std::vector<train::Sequence>& sequences) {
  std::size_t longest = 0;
  for (const train::Sequence& sequence : sequences)
    longest = std::max(longest, sequence.ids.size());
  torch::Tensor ids =
      torch::full({static_cast<std::int64_t>(sequences.size()), static_cast<std::int64_t>(longest)},
                  -1, torch::kInt64);
  for (std::size_t i = 0; i < sequences.size(); ++i)
    for (std::size_t t = 0; t < sequences[i].ids.size(); ++t)
      ids[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(t)] = sequences[i].ids[t];
  return ids;
}

}  // namespace bench
