#include "evaluate/candidates.h"

#include <algorithm>

#include "base/random.h"

namespace evaluate {
namespace {

constexpr std::size_t kMost = kNegativeCounts.back();
constexpr std::size_t kTries =
    20;  // draws an item wanted, before the rest is drawn without any miss

// Draws in proportion to weights, without replacement and without what is excluded.
class Drawer {
 public:
  explicit Drawer(std::vector<double> weights) : weights_(std::move(weights)) {
    for (double& sum : sums_ = weights_) sum = total_ += sum;
  }

  std::vector<int> draw(std::vector<bool> excluded, base::Random& random) const {
    std::vector<int> items;
    const auto free = static_cast<std::size_t>(std::count(excluded.begin(), excluded.end(), false));
    const std::size_t wanted = std::min(kMost, free);
    const auto take = [&](std::size_t item) {
      excluded[item] = true;
      items.push_back(static_cast<int>(item));
    };
    for (std::size_t tries = 0; items.size() < wanted && tries < kTries * kMost; ++tries) {
      const auto at = std::upper_bound(sums_.begin(), sums_.end(), random.uniform() * total_);
      const auto item = static_cast<std::size_t>(at - sums_.begin());
      if (item < excluded.size() && !excluded[item]) take(item);
    }
    std::vector<double> left = weights_;
    while (items.size() < wanted) {
      for (std::size_t i = 0; i < left.size(); ++i)
        if (excluded[i]) left[i] = 0;
      take(random.choose(left));
    }
    return items;
  }

 private:
  std::vector<double> weights_, sums_;
  double total_ = 0;
};

std::vector<double> weights_of(NegativeKind kind, std::span<const std::int64_t> frequencies) {
  std::vector<double> weights(frequencies.size(), 1.0);
  if (kind == NegativeKind::popular)
    for (std::size_t i = 0; i < weights.size(); ++i)
      weights[i] += static_cast<double>(frequencies[i]);
  return weights;
}

}  // namespace

std::string sampled_name(NegativeKind kind, std::size_t count) {
  return sampled_folder(kind) + "-" + std::to_string(count);
}

std::string sampled_folder(NegativeKind kind) {
  return kind == NegativeKind::uniform ? "v4-uniform" : "v4-popular";
}

std::vector<Negatives> draw_negatives(const std::vector<Instance>& instances,
                                      std::span<const std::int64_t> frequencies,
                                      std::uint64_t seed) {
  std::vector<Negatives> out(instances.size());
  for (const NegativeKind kind : kNegativeKinds) {
    const auto k = static_cast<std::size_t>(kind);
    const Drawer drawer(weights_of(kind, frequencies));
    for (std::size_t i = 0; i < instances.size(); ++i) {
      if (!takes_any(Protocol::v2, instances[i])) continue;
      std::vector<bool> excluded(frequencies.size(), false);
      for (const Gold& gold : instances[i].golds)
        excluded[static_cast<std::size_t>(gold.item)] = true;
      for (const dialogue::KnownItem& known : instances[i].state.items)
        excluded[static_cast<std::size_t>(known.item)] = true;
      base::Random random({seed, "evaluate/negatives", k, i});
      out[i].items[k] = drawer.draw(std::move(excluded), random);
    }
  }
  return out;
}

std::vector<std::int64_t> recommender_mentions(
    const std::vector<const dialogue::Dialogue*>& dialogues, int items) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(items), 0);
  for (const dialogue::Dialogue* dialogue : dialogues)
    for (const dialogue::Turn& turn : dialogue->turns)
      if (turn.role == dialogue::Role::recommender)
        for (int item : turn.items()) ++counts[static_cast<std::size_t>(item)];
  return counts;
}

}  // namespace evaluate
