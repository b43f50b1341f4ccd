#include "pipeline/signal_data.h"

#include <algorithm>

namespace pipeline {
namespace {

// The columns of both; where both have a name, the first's stands.
feedback::SignalTable join_columns(feedback::SignalTable first,
                                   const feedback::SignalTable& second) {
  for (std::size_t column = 0; column < second.names.size(); ++column) {
    if (std::count(first.names.begin(), first.names.end(), second.names[column])) continue;
    first.names.push_back(second.names[column]);
    for (std::size_t row = 0; row < first.rows.size(); ++row)
      first.rows[row].values.push_back(second.rows[row].values[column]);
  }
  return first;
}

}  // namespace

SignalData measure_run_signals(const Data& data) {
  dialogue::Corpus corpus{data.catalogue, data.train};
  data.scorers.read_ahead([&](const auto& relevance, const auto& sentiment) {
    feedback::measure_signals(corpus, relevance, sentiment);
  });
  const feedback::SignalTable plain =
      feedback::measure_signals(corpus, data.scorers.relevance(corpus), data.sentiment());
  feedback::Composites composites(plain);
  feedback::SignalTable table = join_columns(composites.apply(plain), plain);
  return {std::move(corpus), std::move(composites), std::move(table)};
}

}  // namespace pipeline
