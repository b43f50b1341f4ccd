#include "sequences.h"

#include "base/random.h"

namespace bench {

const std::vector<int>& dialogue_lengths() {
  static const std::vector<int> lengths = {61, 98, 122, 146, 179, 198, 220};
  return lengths;
}

std::vector<train::Sequence> random_sequences(const std::vector<int>& lengths,
                                              std::int64_t vocabulary) {
  base::Random random({.seed = 1, .stage = "bench/sequences"});
  std::vector<train::Sequence> sequences(lengths.size());
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    train::Sequence& sequence = sequences[i];
    const auto length = static_cast<std::size_t>(lengths[i]);
    for (std::size_t t = 0; t < length; ++t)
      sequence.ids.push_back(
          static_cast<int>(random.below(static_cast<std::uint64_t>(vocabulary))));
    sequence.weights.assign(length, 1.f);
    sequence.weights[0] = 0;
    sequence.parts.assign(length, dialogue::Piece::Part::response);
  }
  return sequences;
}

std::vector<std::vector<int>> random_prompts(std::int64_t count, int length,
                                             std::int64_t vocabulary) {
  base::Random random({.seed = 1, .stage = "bench/prompts"});
  std::vector<std::vector<int>> prompts(static_cast<std::size_t>(count));
  for (std::vector<int>& prompt : prompts)
    for (int t = 0; t < length; ++t)
      prompt.push_back(static_cast<int>(random.below(static_cast<std::uint64_t>(vocabulary))));
  return prompts;
}

torch::Tensor as_rows(const std::vector<std::vector<int>>& prompts) {
  std::vector<torch::Tensor> rows;
  for (const std::vector<int>& prompt : prompts)
    rows.push_back(torch::tensor(prompt, torch::kInt64));
  return at::stack(rows);
}

}  // namespace bench
