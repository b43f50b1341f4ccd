#include "recommend/baselines.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace recommend {
namespace {

constexpr std::size_t kCandidates = 10;
const std::string kSentenceStart = "You might like ";

std::size_t at(int i) { return static_cast<std::size_t>(i); }

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

const std::vector<BaselineKind>& all_baselines() {
  static const std::vector<BaselineKind> kinds = {
      popularity_baseline(),         copy_baseline(),
      cooccurrence_baseline(),       ease_baseline(),
      neighbours_baseline(),         graph_baseline(),
      graph_cooccurrence_baseline(), graph_cooccurrence_copy_baseline()};
  return kinds;
}

BaselineRecommender::BaselineRecommender(std::string name, ItemWeights weights,
                                         const dialogue::Catalogue& catalogue)
    : name_(std::move(name)), weights_(std::move(weights)), catalogue_(catalogue) {
  base::check(catalogue.size() > 0, "baseline: an empty catalogue");
}

std::vector<std::vector<float>> BaselineRecommender::rank(
    const std::vector<dialogue::State>& states) {
  std::vector<std::vector<float>> rows;
  rows.reserve(states.size());
  for (const dialogue::State& state : states) {
    const std::vector<double> weights = weights_(state);
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
  reply.decision.candidates = best_new_items(weights_(state), state);
  const int item = reply.decision.candidates.front().first;
  reply.decision.shown = {{item, 1, {}}};
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

}  // namespace recommend
