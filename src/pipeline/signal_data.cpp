#include "pipeline/signal_data.h"

#include <numeric>

namespace pipeline {

SignalData measure_run_signals(const Data& data) {
  dialogue::Corpus corpus{data.catalogue, data.train};
  std::vector<int> all(corpus.dialogues.size());
  std::iota(all.begin(), all.end(), 0);
  const feedback::WordWeights weights(corpus, all);
  const feedback::SignalTable plain = feedback::measure_signals(corpus, weights, data.sentiment());
  feedback::Composites composites(plain);
  feedback::SignalTable table = composites.apply(plain);
  return {std::move(corpus), std::move(composites), std::move(table)};
}

}  // namespace pipeline
