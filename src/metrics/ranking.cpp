#include "metrics/ranking.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace metrics {
namespace {

template <class T>
std::size_t find_rank(std::span<const T> scores, std::size_t target) {
  base::check(target < scores.size(), "rank of item ", target, " among ", scores.size());
  const T wanted = scores[target];
  std::size_t rank = 0;
  bool has_nan = false;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    has_nan |= std::isnan(scores[i]);
    rank += scores[i] > wanted || (scores[i] == wanted && i < target);
  }
  base::check(!has_nan, "a score to rank is NaN");
  return rank;
}

double gain_at(std::size_t rank) { return 1.0 / std::log2(static_cast<double>(rank) + 2.0); }

void divide_by_count(RankingScores& scores) {
  if (scores.count == 0) return;
  const auto count = static_cast<double>(scores.count);
  scores.hit /= count;
  scores.ndcg /= count;
  scores.reciprocal_rank /= count;
}

}  // namespace

std::size_t rank_of(std::span<const float> scores, std::size_t target) {
  return find_rank(scores, target);
}

std::size_t rank_of(std::span<const double> scores, std::size_t target) {
  return find_rank(scores, target);
}

std::vector<std::size_t> best_indices(std::span<const float> scores, std::size_t count) {
  for (const float score : scores) base::check(!std::isnan(score), "a score to rank is NaN");
  std::vector<std::size_t> out(scores.size());
  std::iota(out.begin(), out.end(), 0);
  count = std::min(count, out.size());
  std::partial_sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count), out.end(),
                    [&](std::size_t a, std::size_t b) {
                      return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
                    });
  out.resize(count);
  return out;
}

double hit_at(std::size_t rank, std::size_t k) { return rank < k ? 1.0 : 0.0; }

double ndcg_at(std::size_t rank, std::size_t k) { return rank < k ? gain_at(rank) : 0.0; }

double reciprocal_rank_at(std::size_t rank, std::size_t k) {
  return rank < k ? 1.0 / (static_cast<double>(rank) + 1.0) : 0.0;
}

double hit_at(std::span<const std::size_t> ranks, std::size_t k) {
  return std::ranges::any_of(ranks, [&](std::size_t rank) { return rank < k; }) ? 1.0 : 0.0;
}

double ndcg_at(std::span<const std::size_t> ranks, std::size_t relevant, std::size_t k) {
  base::check(relevant > 0 && relevant >= ranks.size(), "NDCG over ", relevant,
              " relevant items of which ", ranks.size(), " are ranked");
  double found = 0, best = 0;
  for (const std::size_t rank : ranks) found += ndcg_at(rank, k);
  for (std::size_t rank = 0; rank < std::min(relevant, k); ++rank) best += gain_at(rank);
  return best > 0 ? found / best : 0.0;
}

double reciprocal_rank_at(std::span<const std::size_t> ranks, std::size_t k) {
  double best = 0;
  for (const std::size_t rank : ranks) best = std::max(best, reciprocal_rank_at(rank, k));
  return best;
}

double recall_at(std::span<const std::size_t> ranks, std::size_t relevant, std::size_t k) {
  base::check(relevant > 0, "recall over no relevant item");
  const auto found = std::ranges::count_if(ranks, [&](std::size_t rank) { return rank < k; });
  return static_cast<double>(found) / static_cast<double>(relevant);
}

RankingScores score_pairs(std::span<const std::size_t> ranks, std::size_t k) {
  RankingScores out{.k = k, .count = ranks.size()};
  for (const std::size_t rank : ranks) {
    out.hit += hit_at(rank, k);
    out.ndcg += ndcg_at(rank, k);
    out.reciprocal_rank += reciprocal_rank_at(rank, k);
  }
  divide_by_count(out);
  return out;
}

RankingScores score_messages(const std::vector<std::vector<std::size_t>>& ranks, std::size_t k) {
  RankingScores out{.k = k, .count = ranks.size()};
  for (const auto& message : ranks) {
    out.hit += hit_at(message, k);
    out.ndcg += ndcg_at(message, message.size(), k);
    out.reciprocal_rank += reciprocal_rank_at(message, k);
  }
  divide_by_count(out);
  return out;
}

}  // namespace metrics
