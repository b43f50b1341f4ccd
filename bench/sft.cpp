#include "train/sft.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "harness.h"
#include "plain_sft.h"
#include "train/adamw.h"

namespace bench {
namespace {

constexpr double kLearningRate = 1e-4, kMaxNorm = 1;

struct Case {
  const char* name;
  const char* help;
  int layers, heads, width, vocabulary;
  std::vector<int> lengths;  // of the sequences
};

// Dialogues are of many lengths: about 1,024 tokens of them, which fill the memory that a batch of
// the longest would take to 70 %.
const std::vector<int> kDialogues = {61, 98, 122, 146, 179, 198, 220};

std::vector<Case> cases() {
  return {{"sft-4x256", "vocabulary 15,000, dialogues", 4, 4, 256, 15000, kDialogues},
          {"sft-6x384", "vocabulary 15,000, dialogues", 6, 6, 384, 15000, kDialogues},
          {"sft-30m", "6 x 384, vocabulary 50,257, 8 x 128 tokens", 6, 6, 384, 50257,
           std::vector<int>(8, 128)},
          {"sft-124m", "12 x 768, 4 x 256 tokens", 12, 12, 768, 50257, std::vector<int>(4, 256)},
          {"sft-345m", "24 x 1024, 4 x 192 tokens", 24, 16, 1024, 50257, std::vector<int>(4, 192)}};
}

std::vector<train::Sequence> random_sequences(const Case& of) {
  base::Random random({.seed = 1, .stage = "bench/sft"});
  std::vector<train::Sequence> sequences(of.lengths.size());
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    train::Sequence& sequence = sequences[i];
    const auto length = static_cast<std::size_t>(of.lengths[i]);
    for (std::size_t t = 0; t < length; ++t)
      sequence.ids.push_back(
          static_cast<int>(random.below(static_cast<std::uint64_t>(of.vocabulary))));
    sequence.weights.assign(length, 1.f);
    sequence.weights[0] = 0;
    sequence.parts.assign(length, dialogue::Piece::Part::response);
  }
  return sequences;
}

// [B, T], -1 behind a sequence's end.
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

// One of ours: loss, backward, clip, AdamW with the cast.
class Ours {
 public:
  Ours(const model::LanguageModel& initial, const std::vector<train::Sequence>& sequences)
      : model_(initial.copy()),
        copies_(model::trained_copies(model_, torch::kBFloat16)),
        optimiser_(model_.parameters.tensors(), {.weight_decay = .1}) {
    optimiser_.use_copies(copies_);
    for (const train::Sequence& sequence : sequences) batch_.push_back(&sequence);
  }
  torch::Tensor loss() const {
    return train::sft_loss(model::from_copies(model_, copies_), batch_, {});
  }
  double step() {
    const torch::Tensor value = loss();
    value.backward();
    optimiser_.step(kLearningRate, kMaxNorm);
    return value.item<double>();
  }

 private:
  model::LanguageModel model_;
  std::vector<torch::Tensor> copies_;
  train::AdamW optimiser_;
  std::vector<const train::Sequence*> batch_;
};

// Multiplications and additions of a step: 6 for each weight of a matrix and token, and
// attention's.
double step_operations(const Case& of) {
  double tokens = 0, squares = 0;
  for (const double length : of.lengths) {
    tokens += length;
    squares += length * (length + 1);
  }
  const double width = of.width;
  return 6 * tokens * (12 * of.layers * width * width + of.vocabulary * width) +
         6 * squares * width * of.layers;
}

base::Json one(const Options& options, const Case& of) {
  const model::LanguageModel initial =
      model::random_model(model::gpt2_config(of.layers, of.heads, of.width, 256, of.vocabulary), 1);
  const std::vector<train::Sequence> sequences = random_sequences(of);
  const torch::Tensor ids = padded(sequences);

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
  const double tokens = std::accumulate(of.lengths.begin(), of.lengths.end(), 0.);
  // AdamW reads four numbers for each parameter and writes three.
  const double floor =
      step_operations(of) / (result.peak * 1e9) +
      28. * static_cast<double>(initial.parameters.count()) / (result.memory * 1e9);
  return {
      {"tokens_per_s", tokens / result.ours},         {"plain_tokens_per_s", tokens / result.plain},
      {"plain_attention", name_of(attention)},        {"ratio", result.ratio},
      {"ratio_quartiles", {result.low, result.high}}, {"quiet_rounds", result.quiet_rounds},
      {"share_of_floor", floor / result.ours}};
}

}  // namespace

std::vector<Benchmark> sft_benchmarks() {
  std::vector<Benchmark> all;
  for (const Case& of : cases())
    all.push_back({of.name, std::string("a training step in bf16: ") + of.help,
                   [of](const Options& options) { return one(options, of); }});
  return all;
}

}  // namespace bench
