#include "feedback/health.h"

#include <cmath>
#include <map>
#include <numeric>

#include "feedback/harvest.h"

namespace feedback {
namespace {

struct Moments {
  std::int64_t n = 0;
  double mean = 0, variance = 0;
};

Moments moments_of(const std::vector<double>& values) {
  Moments out;
  out.n = static_cast<std::int64_t>(values.size());
  if (values.empty()) return out;
  const double n = static_cast<double>(values.size());
  out.mean = std::accumulate(values.begin(), values.end(), 0.) / n;
  if (values.size() < 2) return out;
  for (double value : values) out.variance += (value - out.mean) * (value - out.mean) / (n - 1);
  return out;
}

std::optional<double> drift_between(const Moments& recent, const Moments& before) {
  if (recent.n < 2 || before.n < 2) return std::nullopt;
  const double error = std::sqrt(recent.variance / static_cast<double>(recent.n) +
                                 before.variance / static_cast<double>(before.n));
  const double difference = recent.mean - before.mean;
  if (error > 0) return difference / error;
  return difference == 0 ? std::optional<double>(0) : std::nullopt;
}

// A column of the table by when the replies were given.
struct ByTime {
  std::vector<double> recent, before;
  std::int64_t recent_replies = 0;  // with a value or without
};

ByTime split_by_time(const dialogue::Corpus& corpus, const SignalTable& table, std::size_t column,
                     const std::map<std::string, std::int64_t>& said_at, std::int64_t recent_from) {
  ByTime out;
  for (const SignalRow& row : table.rows) {
    const dialogue::Dialogue& talk = corpus.dialogues[static_cast<std::size_t>(row.dialogue)];
    const std::string& reply = talk.turns[static_cast<std::size_t>(row.turn)].id;
    const bool is_recent = said_at.at(reply) >= recent_from;
    out.recent_replies += is_recent;
    if (const auto& value = row.values[column])
      (is_recent ? out.recent : out.before).push_back(*value);
  }
  return out;
}

}  // namespace

std::vector<SignalHealth> signal_health(const Store& store, const SentimentFunction& scorer,
                                        const HealthOptions& options) {
  HarvestOptions asked;
  asked.at = options.now;
  const Harvest all = harvest(store, asked);
  dialogue::Corpus corpus = to_corpus(all).corpus;
  if (scorer) corpus = with_sentiment(std::move(corpus), scorer);
  std::map<std::string, std::int64_t> said_at;  // by turn
  for (const ConversationRecord& record : all.records)
    for (const StoredTurn& turn : record.turns) said_at[turn.id] = turn.at;

  std::vector<int> everything(corpus.dialogues.size());
  std::iota(everything.begin(), everything.end(), 0);
  const SignalTable table = measure_signals(
      corpus, word_relevance(WordWeights(corpus, everything)),
      scorer ? scorer : [](std::string_view) { return 0.; });
  const std::vector<SignalValidity> validities =
      validate_signals(corpus, table, {.resamples = options.resamples});

  std::vector<SignalHealth> out;
  for (std::size_t column = 0; column < table.names.size(); ++column) {
    const ByTime values =
        split_by_time(corpus, table, column, said_at, options.now - options.recent);
    const Moments now = moments_of(values.recent), then = moments_of(values.before);
    SignalHealth health;
    health.name = table.names[column];
    health.n = now.n;
    if (values.recent_replies)
      health.rate = static_cast<double>(now.n) / static_cast<double>(values.recent_replies);
    health.mean = now.mean;
    if (then.n > 0) health.mean_before = then.mean;
    health.drift = drift_between(now, then);
    health.validity = validities[column];
    out.push_back(std::move(health));
  }
  return out;
}

}  // namespace feedback
