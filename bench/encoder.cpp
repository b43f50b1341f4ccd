#include "model/encoder.h"

#include <cmath>

#include "base/error.h"
#include "base/files.h"
#include "base/random.h"
#include "harness.h"
#include "model/safetensors.h"
#include "plain_encoder.h"

namespace bench {
namespace {

constexpr int kTexts = 300;
constexpr std::int64_t kLayers = 12, kWidth = 768, kInner = 3072, kVocabulary = 50265,
                       kPositions = 514, kLabels = 3, kBatchTokens = 4096;

// RoBERTa-base with random weights.
model::TensorMap random_tensors() {
  model::TensorMap tensors;
  const auto add = [&](const std::string& name, const std::vector<std::int64_t>& shape) {
    tensors[name] = model::normal_values(shape, .02, {.seed = 1, .stage = name});
  };
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  };
  const auto norm = [&](const std::string& name) {
    add(name + ".LayerNorm.weight", {kWidth});
    add(name + ".LayerNorm.bias", {kWidth});
    tensors[name + ".LayerNorm.weight"].add_(1);
  };
  const std::string embeddings = "roberta.embeddings";
  add(embeddings + ".word_embeddings.weight", {kVocabulary, kWidth});
  add(embeddings + ".position_embeddings.weight", {kPositions, kWidth});
  add(embeddings + ".token_type_embeddings.weight", {1, kWidth});
  norm(embeddings);
  for (std::int64_t i = 0; i < kLayers; ++i) {
    const std::string layer = "roberta.encoder.layer." + std::to_string(i) + ".";
    for (const char* name : {"query", "key", "value"})
      linear(layer + "attention.self." + name, kWidth, kWidth);
    linear(layer + "attention.output.dense", kWidth, kWidth);
    norm(layer + "attention.output");
    linear(layer + "intermediate.dense", kInner, kWidth);
    linear(layer + "output.dense", kWidth, kInner);
    norm(layer + "output");
  }
  linear("classifier.dense", kWidth, kWidth);
  linear("classifier.out_proj", kLabels, kWidth);
  return tensors;
}

base::Json config() {
  return {{"model_type", "roberta"},
          {"num_hidden_layers", kLayers},
          {"num_attention_heads", 12},
          {"hidden_size", kWidth},
          {"intermediate_size", kInner},
          {"max_position_embeddings", kPositions},
          {"vocab_size", kVocabulary},
          {"type_vocab_size", 1},
          {"pad_token_id", 1},
          {"layer_norm_eps", 1e-5},
          {"hidden_act", "gelu"},
          {"id2label", {{"0", "negative"}, {"1", "neutral"}, {"2", "positive"}}}};
}

// Of the lengths of turns: 3 to 60 tokens, most of them short, 15 in the mean.
std::vector<std::vector<int>> random_turns() {
  base::Random random({.seed = 1, .stage = "bench/encoder"});
  std::vector<std::vector<int>> texts(kTexts);
  for (std::vector<int>& text : texts) {
    const double length = 3 - 12.5 * std::log(1 - random.uniform());
    text.resize(static_cast<std::size_t>(std::min(60., length)));
    for (int& id : text) id = static_cast<int>(random.below(kVocabulary));
  }
  return texts;
}

base::Json run(const Options& options) {
  const base::TemporaryFolder folder;
  base::write_json(folder.path() / "config.json", config());
  model::write_safetensors(folder.path() / "model.safetensors", random_tensors());
  const model::Encoder ours(folder.path());
  const PlainEncoder plain(ours.config(),
                           model::read_safetensors(folder.path() / "model.safetensors"));
  const std::vector<std::vector<int>> texts = random_turns();

  const double difference =
      (ours.classify(texts) - plain.classify(texts, kBatchTokens)).abs().max().item<double>();
  base::check(difference < 1e-4, "bench encoder: the logits differ by ", difference);
  const Comparison result = compare(
      options.rounds, [&] { ours.classify(texts); }, [&] { plain.classify(texts, kBatchTokens); });
  std::size_t tokens = 0;
  for (const std::vector<int>& text : texts) tokens += text.size();
  base::Json json = {{"texts", kTexts},
                     {"mean_tokens", static_cast<double>(tokens) / kTexts},
                     {"ours_texts_per_s", kTexts / result.ours},
                     {"plain_texts_per_s", kTexts / result.plain}};
  json.update(to_json(result));
  return json;
}

}  // namespace

Benchmark encoder_benchmark() {
  return {"encoder", "classify 300 turns of 3 to 60 tokens by a RoBERTa-base, fp32", run};
}

}  // namespace bench
