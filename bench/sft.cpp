#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "harness.h"
#include "model/cost.h"
#include "plain_sft.h"
#include "sequences.h"
#include "sft_step.h"

namespace bench {
namespace {

struct Case {
  const char* name;
  const char* help;
  int layers, heads, width, vocabulary;
  std::vector<int> lengths;  // of the sequences
};

std::vector<Case> cases() {
  return {{"sft-4x256", "vocabulary 15,000, dialogues", 4, 4, 256, 15000, dialogue_lengths()},
          {"sft-6x384", "vocabulary 15,000, dialogues", 6, 6, 384, 15000, dialogue_lengths()},
          {"sft-30m", "6 x 384, vocabulary 50,257, 8 x 128 tokens", 6, 6, 384, 50257,
           std::vector<int>(8, 128)},
          {"sft-124m", "12 x 768, 4 x 256 tokens", 12, 12, 768, 50257, std::vector<int>(4, 256)},
          {"sft-345m", "24 x 1024, 4 x 192 tokens", 24, 16, 1024, 50257, std::vector<int>(4, 192)}};
}

// Seconds that the probed machine alone would take: a forward pass, a backward pass of twice as
// much, and the optimiser.
double floor_seconds(const model::LanguageModel& model,
                     const std::vector<train::Sequence>& sequences, const Comparison& probed) {
  std::vector<std::vector<int>> ids;
  std::int64_t predictions = 0;
  for (const train::Sequence& sequence : sequences) {
    ids.push_back(sequence.ids);
    predictions += static_cast<std::int64_t>(sequence.ids.size()) - 1;
  }
  return 3 * model::forward_work(model.config, model::pack(ids), predictions).operations /
             (probed.peak * 1e9) +
         model::optimiser_work(model.parameters.count()).bytes / (probed.memory * 1e9);
}

base::Json one(const Options& options, const Case& of) {
  const model::LanguageModel initial =
      model::random_model(model::gpt2_config(of.layers, of.heads, of.width, 256, of.vocabulary), 1);
  const std::vector<train::Sequence> sequences = random_sequences(of.lengths, of.vocabulary);
  const torch::Tensor ids = padded(sequences);

  const PlainModel::Attention attention = faster_attention([&](PlainModel::Attention candidate) {
    PlainSft one(initial, candidate);
    one.step(ids, kSftLearningRate, kSftMaxNorm);
    return seconds([&] { one.step(ids, kSftLearningRate, kSftMaxNorm); });
  });
  PlainSft plain(initial, attention);
  SftStep ours(initial, sequences);

  // The same work: the same losses, before and after three steps.
  for (int i = 0; i < 3; ++i) {
    const double a = ours.step(), b = plain.step(ids, kSftLearningRate, kSftMaxNorm);
    base::check(std::abs(a - b) < rounding(1e-2) * b, "bench sft: the losses differ, ", a, " and ",
                b);
  }
  const Comparison result = compare(
      options.rounds, [&] { ours.step(); },
      [&] { plain.step(ids, kSftLearningRate, kSftMaxNorm); });
  const double tokens = std::accumulate(of.lengths.begin(), of.lengths.end(), 0.);
  return {{"tokens_per_s", tokens / result.ours},
          {"plain_tokens_per_s", tokens / result.plain},
          {"plain_attention", name_of(attention)},
          {"ratio", result.ratio},
          {"ratio_quartiles", {result.low, result.high}},
          {"quiet_rounds", result.quiet_rounds},
          {"share_of_floor", floor_seconds(initial, sequences, result) / result.ours}};
}

}  // namespace

std::vector<Benchmark> sft_benchmarks() {
  std::vector<Benchmark> all;
  for (const Case& of : cases())
    all.push_back({of.name, std::string("a training step: ") + of.help,
                   [of](const Options& options) { return one(options, of); }});
  return all;
}

}  // namespace bench
