#include "train/sft.h"

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "harness.h"
#include "plain_sft.h"
#include "train/adamw.h"

namespace bench {
namespace {

constexpr int kBatch = 8, kTokens = 128;
constexpr double kLearningRate = 1e-4, kMaxNorm = 1;

std::vector<train::Sequence> random_sequences(std::int64_t vocabulary) {
  base::Random random({.seed = 1, .stage = "bench/sft"});
  std::vector<train::Sequence> sequences(kBatch);
  for (train::Sequence& sequence : sequences) {
    for (int t = 0; t < kTokens; ++t)
      sequence.ids.push_back(
          static_cast<int>(random.below(static_cast<std::uint64_t>(vocabulary))));
    sequence.weights.assign(kTokens, 1.f);
    sequence.weights[0] = 0;
    sequence.parts.assign(kTokens, dialogue::Piece::Part::response);
  }
  return sequences;
}

// One of ours: cast, loss, backward, clip, AdamW.
class Ours {
 public:
  Ours(const model::LanguageModel& initial, const std::vector<train::Sequence>& sequences)
      : model_(initial.copy()), optimiser_(model_.parameters.tensors(), {.weight_decay = .1}) {
    for (const train::Sequence& sequence : sequences) batch_.push_back(&sequence);
  }
  torch::Tensor loss() const {
    return train::sft_loss(model::cast(model_, torch::kBFloat16), batch_, {});
  }
  double step() {
    const torch::Tensor value = loss();
    value.backward();
    optimiser_.step(kLearningRate, kMaxNorm);
    return value.item<double>();
  }

 private:
  model::LanguageModel model_;
  train::AdamW optimiser_;
  std::vector<const train::Sequence*> batch_;
};

base::Json run(const Options& options) {
  const model::LanguageModel initial =
      model::random_model(model::gpt2_config(6, 6, 384, 256, 50257), 1);
  const std::vector<train::Sequence> sequences = random_sequences(initial.config.vocabulary);
  std::vector<std::vector<int>> rows;
  for (const train::Sequence& sequence : sequences) rows.push_back(sequence.ids);
  const torch::Tensor ids = model::pack(rows).ids.view({kBatch, kTokens});

  const PlainModel::Attention attention = faster_attention([&](PlainModel::Attention candidate) {
    PlainSft one(initial, candidate);
    one.step(ids, kLearningRate, kMaxNorm);
    return seconds([&] { one.step(ids, kLearningRate, kMaxNorm); });
  });
  PlainSft plain(initial, attention);
  Ours ours(initial, sequences);

  // The same work: the same losses, before and after three steps. bf16 keeps 8 bits.
  for (int i = 0; i < 3; ++i) {
    const double a = ours.step(), b = plain.step(ids, kLearningRate, kMaxNorm);
    base::check(std::abs(a - b) < 1e-2 * b, "bench sft: the losses differ, ", a, " and ", b);
  }
  const Comparison result = compare(
      options.rounds, [&] { ours.step(); }, [&] { plain.step(ids, kLearningRate, kMaxNorm); });
  base::Json json = {{"ours_tokens_per_s", kBatch * kTokens / result.ours},
                     {"plain_tokens_per_s", kBatch * kTokens / result.plain},
                     {"plain_attention", name_of(attention)}};
  json.update(to_json(result));
  return json;
}

}  // namespace

Benchmark sft_benchmark() {
  return {"sft", "a training step of 6 layers x 384, vocabulary 50,257, 8 x 128 tokens, bf16", run};
}

}  // namespace bench
