#include "reward/item_facts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace reward {
namespace {

constexpr double kShrink = 10;  // outcomes that the mean of all counts as

double share(const std::vector<double>& sums, const std::vector<double>& counts) {
  const double count = std::accumulate(counts.begin(), counts.end(), 0.);
  return count > 0 ? std::accumulate(sums.begin(), sums.end(), 0.) / count : .5;
}

double shrunk(double sum, double count, double mean) {
  return (sum + kShrink * mean) / (count + kShrink);
}

double logit(double p) { return std::log(p / (1 - p)); }

}  // namespace

ItemFacts count_items(const std::vector<Outcome>& outcomes, int items) {
  const auto n = static_cast<std::size_t>(items);
  ItemFacts facts{std::vector<double>(n), std::vector<double>(n), std::vector<double>(n),
                  std::vector<double>(n)};
  for (const Outcome& outcome : outcomes) {
    const auto i = static_cast<std::size_t>(outcome.item);
    const auto liked = static_cast<std::size_t>(Head::liked),
               useful = static_cast<std::size_t>(Head::useful);
    facts.liked[i] += outcome.weights[liked] * outcome.targets[liked];
    facts.liked_known[i] += outcome.weights[liked];
    facts.useful[i] += outcome.weights[useful] * outcome.targets[useful];
    facts.useful_known[i] += outcome.weights[useful];
  }
  return facts;
}

double liked_rate(const ItemFacts& facts, int item, const Outcome* without) {
  const auto i = static_cast<std::size_t>(item), liked = static_cast<std::size_t>(Head::liked);
  const double own = without ? without->weights[liked] : 0,
               own_sum = without ? own * without->targets[liked] : 0;
  return shrunk(facts.liked[i] - own_sum, facts.liked_known[i] - own,
                share(facts.liked, facts.liked_known));
}

ItemFeatures::ItemFeatures(const ItemFacts& facts, const recommend::Counts& counts)
    : facts_(facts),
      counts_(counts),
      liked_mean_(share(facts.liked, facts.liked_known)),
      useful_mean_(share(facts.useful, facts.useful_known)) {}

void ItemFeatures::fill(float* row, int item, const std::optional<Without>& without) const {
  const auto i = static_cast<std::size_t>(item);
  const auto own = [&](Head head) {
    return without ? without->outcome.weights[static_cast<std::size_t>(head)] : 0.;
  };
  const auto own_sum = [&](Head head) {
    return without ? own(head) * without->outcome.targets[static_cast<std::size_t>(head)] : 0.;
  };
  const double out = without ? 1 : 0, recently_out = without && without->recent ? 1 : 0;
  row[0] = static_cast<float>(.3 * std::log1p(std::max(0., counts_.recommended()[i] - out)));
  row[1] = static_cast<float>(.3 * std::log1p(std::max(0., counts_.named()[i] - out)));
  row[2] = static_cast<float>(
      .3 * std::log1p(std::max(0., counts_.recently_recommended()[i] - recently_out)));
  row[3] = static_cast<float>(
      logit(std::clamp(shrunk(facts_.liked[i] - own_sum(Head::liked),
                              facts_.liked_known[i] - own(Head::liked), liked_mean_),
                       .01, .99)));
  row[4] = static_cast<float>(
      logit(std::clamp(shrunk(facts_.useful[i] - own_sum(Head::useful),
                              facts_.useful_known[i] - own(Head::useful), useful_mean_),
                       .01, .99)));
  row[5] = counts_.named()[i] - out > 0 ? 1.f : 0.f;
}

}  // namespace reward
