#include "evaluate/context_use.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace evaluate {
namespace {

constexpr std::size_t kListed = 10;

dialogue::State unheard(dialogue::State state) {
  std::erase_if(state.window,
                [](const dialogue::Turn& turn) { return turn.role == dialogue::Role::seeker; });
  std::erase_if(state.items, [](const dialogue::KnownItem& known) {
    return known.by == dialogue::Role::seeker;
  });
  for (dialogue::KnownItem& known : state.items) known.polarity = dialogue::Polarity::unknown;
  return state;
}

std::vector<std::size_t> new_items(std::size_t items, const dialogue::State& state) {
  std::vector<bool> named(items);
  for (const dialogue::KnownItem& known : state.items)
    named[static_cast<std::size_t>(known.item)] = true;
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < items; ++i)
    if (!named[i]) out.push_back(i);
  return out;
}

// The probabilities of some items among themselves, from a row of log-probabilities.
std::vector<double> shares(const std::vector<float>& row, const std::vector<std::size_t>& items) {
  float largest = -std::numeric_limits<float>::infinity();
  for (const std::size_t item : items) largest = std::max(largest, row[item]);
  std::vector<double> out;
  double sum = 0;
  for (const std::size_t item : items) {
    out.push_back(std::exp(static_cast<double>(row[item]) - largest));
    sum += out.back();
  }
  for (double& share : out) share /= sum;
  return out;
}

// Between two rows, over the items given.
double total_variation(const std::vector<float>& a, const std::vector<float>& b,
                       const std::vector<std::size_t>& items) {
  const std::vector<double> first = shares(a, items), second = shares(b, items);
  double sum = 0;
  for (std::size_t i = 0; i < items.size(); ++i) sum += std::abs(first[i] - second[i]);
  return sum / 2;
}

// The best items that are not named in `state`.
std::vector<std::size_t> best_items(const std::vector<float>& scores,
                                    const dialogue::State& state) {
  std::vector<std::size_t> order = new_items(scores.size(), state);
  const std::size_t count = std::min(kListed, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
                    });
  order.resize(count);
  return order;
}

double shared(const std::vector<std::size_t>& first, const std::vector<std::size_t>& second) {
  double both = 0;
  for (const std::size_t item : first)
    both += std::find(second.begin(), second.end(), item) != second.end();
  return first.empty() ? 0 : both / static_cast<double>(first.size());
}

}  // namespace

std::optional<ContextScores> context_use(dialogue::Recommender& recommender,
                                         const std::vector<Instance>& instances, std::size_t most) {
  std::vector<std::size_t> firsts;  // the first of each dialogue that has another
  for (std::size_t i = 0; i + 1 < instances.size(); ++i)
    if (instances[i].dialogue == instances[i + 1].dialogue &&
        (firsts.empty() || instances[firsts.back()].dialogue != instances[i].dialogue))
      firsts.push_back(i);
  if (firsts.empty()) return std::nullopt;
  const std::size_t count = std::min(most, firsts.size());
  std::vector<dialogue::State> states;  // a first message, the next, and this one unheard
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t first = firsts[i * firsts.size() / count];
    states.push_back(instances[first].state);
    states.push_back(instances[first + 1].state);
    states.push_back(unheard(instances[first + 1].state));
  }
  const std::vector<std::vector<float>> rows = recommender.rank(states);
  ContextScores scores{.dialogues = static_cast<std::int64_t>(count)};
  for (std::size_t i = 0; i < rows.size(); i += 3) {
    const dialogue::State& named = states[i + 1];
    scores.consistency +=
        shared(best_items(rows[i], named), best_items(rows[i + 1], named)) / double(count);
    scores.weight +=
        total_variation(rows[i + 1], rows[i + 2], new_items(rows[i + 1].size(), named)) /
        double(count);
  }
  return scores;
}

}  // namespace evaluate
