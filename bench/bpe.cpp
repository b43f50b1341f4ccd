#include <optional>

#include "corpus/read.h"
#include "harness.h"
#include "text/tokenizer_trainer.h"

namespace bench {
namespace {

base::Json run(const Options& options) {
  const std::filesystem::path folder = std::filesystem::path(options.data) / "redial";
  if (!std::filesystem::exists(folder)) return nullptr;
  std::vector<std::string> texts;
  double bytes = 0;
  for (const dialogue::Dialogue& dialogue : corpus::read_corpus(folder).dialogues)
    for (const dialogue::Turn& turn : dialogue.turns) {
      bytes += static_cast<double>(turn.text.size());
      texts.push_back(turn.text);
    }
  std::vector<double> train, encode;
  for (int i = 0; i < options.rounds; ++i) {
    std::optional<text::Tokenizer> tokenizer;
    train.push_back(
        seconds([&] { tokenizer = text::train_tokenizer(texts, {.vocabulary_size = 8000}); }));
    encode.push_back(seconds([&] {
      for (const std::string& text : texts) tokenizer->encode(text);
    }));
  }
  return {{"megabytes", bytes / 1e6},
          {"train_8k_seconds", median(train)},
          {"encode_mb_per_s", bytes / 1e6 / median(encode)}};
}

}  // namespace

Benchmark bpe_benchmark() {
  return {"bpe", "train 8,000 tokens on ReDial's messages, and encode them on one thread", run};
}

}  // namespace bench
