#include "recommend/baselines.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace recommend {
namespace {

constexpr std::size_t kCandidates = 10;
constexpr double kTie = 1e-6;  // far below the smallest co-occurrence term
const std::string kSentenceStart = "You might like ";

std::size_t at(int i) { return static_cast<std::size_t>(i); }

// Positive weights, one an item; a distribution once they are divided by their sum.
std::vector<double> popularity_weights(const Counts& counts) {
  std::vector<double> weights(counts.recommended().begin(), counts.recommended().end());
  for (double& weight : weights) weight += .5;  // items never recommended stay possible
  return weights;
}

std::vector<double> copy_weights(const dialogue::State& state, const Counts& counts) {
  std::vector<double> weights = popularity_weights(counts);
  double above = *std::max_element(weights.begin(), weights.end());
  for (const dialogue::KnownItem& known : state.items)  // in order of last mention
    weights[at(known.item)] = above *= 1.1;
  return weights;
}

std::vector<double> cooccurrence_weights(const dialogue::State& state, const Counts& counts) {
  std::vector<double> weights(at(counts.items()));
  for (const dialogue::KnownItem& known : state.items) {
    const double scale = 1 / std::sqrt(counts.named()[at(known.item)] + 5.);
    for (const auto& [item, count] : counts.with_item(known.item))
      weights[at(item)] += scale * count;
  }
  const std::vector<double> popularity = popularity_weights(counts);
  const double most = *std::max_element(popularity.begin(), popularity.end());
  for (std::size_t i = 0; i < weights.size(); ++i)
    weights[i] = weights[i] / std::sqrt(counts.recommended()[i] + 5.) + kTie * popularity[i] / most;
  return weights;
}

std::vector<double> weights_of(Baseline baseline, const dialogue::State& state,
                               const Counts& counts) {
  switch (baseline) {
    case Baseline::popularity:
      return popularity_weights(counts);
    case Baseline::copy:
      return copy_weights(state, counts);
    case Baseline::cooccurrence:
      return cooccurrence_weights(state, counts);
  }
  throw base::Error(base::ErrorKind::internal, "no such baseline");
}

// The best items with their shares of all weights, those named already behind all others.
std::vector<std::pair<int, double>> best_new_items(const std::vector<double>& weights,
                                                   const dialogue::State& state) {
  std::vector<char> named(weights.size());
  for (const dialogue::KnownItem& known : state.items) named[at(known.item)] = 1;
  std::vector<int> order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  const std::size_t wanted = std::min(kCandidates, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(wanted), order.end(),
                    [&](int a, int b) {
                      if (named[at(a)] != named[at(b)]) return named[at(a)] < named[at(b)];
                      if (weights[at(a)] != weights[at(b)]) return weights[at(a)] > weights[at(b)];
                      return a < b;
                    });
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.);
  std::vector<std::pair<int, double>> best;
  for (std::size_t i = 0; i < wanted; ++i) best.emplace_back(order[i], weights[at(order[i])] / sum);
  return best;
}

}  // namespace

const char* baseline_name(Baseline baseline) {
  switch (baseline) {
    case Baseline::popularity:
      return "popularity";
    case Baseline::copy:
      return "copy";
    case Baseline::cooccurrence:
      return "cooccurrence";
  }
  throw base::Error(base::ErrorKind::internal, "no such baseline");
}

BaselineRecommender::BaselineRecommender(Baseline baseline, const Counts& counts,
                                         const dialogue::Catalogue& catalogue)
    : baseline_(baseline), counts_(counts), catalogue_(catalogue) {
  base::check(counts.items() == catalogue.size() && catalogue.size() > 0, "baseline: counts of ",
              counts.items(), " items, a catalogue of ", catalogue.size());
}

std::vector<std::vector<float>> BaselineRecommender::rank(
    const std::vector<dialogue::State>& states) {
  std::vector<std::vector<float>> rows;
  rows.reserve(states.size());
  for (const dialogue::State& state : states) {
    const std::vector<double> weights = weights_of(baseline_, state, counts_);
    const double log_sum = std::log(std::accumulate(weights.begin(), weights.end(), 0.));
    std::vector<float> row(weights.size());
    std::transform(weights.begin(), weights.end(), row.begin(),
                   [&](double weight) { return static_cast<float>(std::log(weight) - log_sum); });
    rows.push_back(std::move(row));
  }
  return rows;
}

dialogue::Reply BaselineRecommender::reply_to(const dialogue::State& state,
                                              const dialogue::Sampling& sampling) {
  dialogue::Reply reply;
  reply.id = next_id_++;
  reply.decision.model = name();
  reply.decision.sampling = sampling;
  reply.decision.candidates = best_new_items(weights_of(baseline_, state, counts_), state);
  reply.decision.propensity = 1;
  const int item = reply.decision.candidates.front().first;
  const std::string& title = catalogue_[item].title;
  reply.action.recommends = true;
  reply.action.item = item;
  reply.action.text = kSentenceStart + title + ".";
  reply.action.mentions = {{item, kSentenceStart.size(), kSentenceStart.size() + title.size()}};
  reply.action.ended = true;
  return reply;
}

std::int64_t BaselineRecommender::open(const dialogue::State& state,
                                       const dialogue::Sampling& sampling) {
  dialogue::Reply reply = reply_to(state, sampling);
  const std::int64_t id = reply.id;
  unstepped_.push_back(id);
  open_.emplace(id, std::move(reply));
  return id;
}

std::vector<dialogue::ReplyStep> BaselineRecommender::step() {
  std::vector<dialogue::ReplyStep> steps;
  for (std::int64_t id : unstepped_) steps.push_back({id, open_.at(id).action.text, true});
  unstepped_.clear();
  return steps;
}

dialogue::Reply BaselineRecommender::close(std::int64_t id) {
  const auto found = open_.find(id);
  base::check(found != open_.end(), "no open reply ", id);
  dialogue::Reply reply = std::move(found->second);
  open_.erase(found);
  // One that ends before its step has not said anything yet.
  if (std::erase(unstepped_, id) > 0) {
    reply.action.text.clear();
    reply.action.mentions.clear();
    reply.action.ended = false;
  }
  return reply;
}

std::vector<std::unique_ptr<dialogue::Recommender>> all_baselines(
    const Counts& counts, const dialogue::Catalogue& catalogue) {
  std::vector<std::unique_ptr<dialogue::Recommender>> all;
  for (Baseline baseline : {Baseline::popularity, Baseline::copy, Baseline::cooccurrence})
    all.push_back(std::make_unique<BaselineRecommender>(baseline, counts, catalogue));
  return all;
}

}  // namespace recommend
