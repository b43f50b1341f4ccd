#include "rl/best_of_n.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/error.h"

namespace rl {
namespace {

void check_n(int n) {
  if (n < 1) throw base::UsageError("the best of ", n, " replies: at least one is needed");
}

}  // namespace

double best_of_n_kl(int n) {
  check_n(n);
  return std::log(n) - static_cast<double>(n - 1) / n;
}

double best_of_n_score(const std::vector<double>& scores, int n) {
  check_n(n);
  std::vector<double> sorted = scores;
  std::sort(sorted.begin(), sorted.end());
  const auto count = static_cast<int>(sorted.size());
  if (n > count)
    throw base::UsageError("the best of ", n, " replies cannot be told from ", count,
                           "; sample more, or ask for fewer");
  double sum = 0, before = 0;
  for (int i = 1; i <= count; ++i) {
    double below = 1;  // the chance that all n are among the i smallest: C(i, n) / C(count, n)
    for (int j = 0; j < n; ++j) below *= std::max(0., static_cast<double>(i - j) / (count - j));
    sum += sorted[static_cast<std::size_t>(i - 1)] * (below - before);
    before = below;
  }
  return sum;
}

double best_of_n_score(const std::vector<double>& values, const std::vector<double>& probabilities,
                       int n) {
  check_n(n);
  base::check(values.size() == probabilities.size(), "best_of_n_score: ", values.size(),
              " values, ", probabilities.size(), " probabilities");
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  double sum = 0, below = 0;
  for (const std::size_t i : order) {
    const double here = below + probabilities[i];
    sum += values[i] * (std::pow(here, n) - std::pow(below, n));
    below = here;
  }
  return sum;
}

std::vector<std::size_t> select_best(const std::vector<double>& scores,
                                     const std::vector<int>& groups) {
  base::check(scores.size() == groups.size(), "select_best: ", scores.size(), " scores, ",
              groups.size(), " groups");
  std::map<int, std::size_t> place;  // of a group in what is returned
  std::vector<std::size_t> best;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto [at, is_new] = place.try_emplace(groups[i], best.size());
    if (is_new)
      best.push_back(i);
    else if (scores[i] > scores[best[at->second]])
      best[at->second] = i;
  }
  return best;
}

}  // namespace rl
