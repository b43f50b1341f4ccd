#include "reward/response_scorer.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "recommend/words.h"

namespace reward {
namespace {

Features reply_features(const dialogue::Turn& reply) {
  const std::vector<std::string> words = recommend::words_of(reply);
  Features features = ngram_features(words);
  features.emplace_back("(length)", std::log1p(static_cast<double>(words.size())) / 3);
  if (reply.text.find('?') != std::string::npos) features.emplace_back("(asks)", 1.);
  if (reply.text.find('!') != std::string::npos) features.emplace_back("(exclaims)", 1.);
  return features;
}

Features state_features(const dialogue::Dialogue& dialogue, int turn) {
  Features features;
  std::set<int> items;
  const dialogue::Turn* said = nullptr;
  for (int t = 0; t < turn; ++t) {
    const dialogue::Turn& before = dialogue.turns[static_cast<std::size_t>(t)];
    for (const dialogue::Mention& mention : before.mentions) items.insert(mention.item);
    if (before.role == dialogue::Role::seeker) said = &before;
  }
  if (said)
    for (auto& [name, value] : ngram_features(recommend::words_of(*said)))
      features.emplace_back("(before) " + name, value);
  features.emplace_back(base::concatenate("(turns) ", std::min(turn, 20)), 1.);
  features.emplace_back(base::concatenate("(items) ", std::min<std::size_t>(items.size(), 8)), 1.);
  return features;
}

}  // namespace

ResponseScorer::ResponseScorer(const std::vector<ResponseOutcome>& training, std::uint64_t seed) {
  std::vector<LinearExample> examples;
  for (const ResponseOutcome& outcome : training) {
    Features features =
        reply_features(outcome.dialogue->turns[static_cast<std::size_t>(outcome.turn)]);
    for (auto& feature : state_features(*outcome.dialogue, outcome.turn))
      features.push_back(std::move(feature));
    examples.push_back({std::move(features), outcome.blend, 1});
  }
  SparseLinear::Options options;
  options.kind = SparseLinear::Kind::squares;
  options.learning_rate = .05;
  options.epochs = 8;
  options.penalty = 1e-3;
  options.min_count = 5;
  options.seed = seed;
  model_ = SparseLinear(examples, options);
}

double ResponseScorer::score(const dialogue::Turn& reply) const {
  return model_.score(reply_features(reply));
}

double ResponseScorer::foretold(const dialogue::Dialogue& dialogue, int turn) const {
  return model_.score(state_features(dialogue, turn));
}

ResponseScorer ResponseScorer::from_json(const base::Json& json, const std::string& where) {
  ResponseScorer scorer;
  scorer.model_ = SparseLinear::from_json(json, where);
  return scorer;
}

std::optional<metrics::Interval> response_quality(const std::vector<double>& scores,
                                                  const ResponseScorer& scorer,
                                                  const std::vector<ResponseOutcome>& outcomes,
                                                  std::uint64_t seed) {
  std::vector<double> rest;
  std::vector<std::int64_t> clusters;
  for (const ResponseOutcome& outcome : outcomes) {
    rest.push_back(outcome.blend - scorer.foretold(*outcome.dialogue, outcome.turn));
    clusters.push_back(outcome.cluster);
  }
  if (scores.size() < 20) return std::nullopt;
  return metrics::bootstrap_statistic(
      metrics::weighted_pearson(scores, rest), clusters,
      {.resamples = 1000, .place = {.seed = seed, .stage = "response"}});
}

}  // namespace reward
