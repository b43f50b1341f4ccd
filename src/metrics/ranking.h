#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace metrics {

// A rank counts from 0, the best. In a list of scores the higher comes first, of equals the one
// with the lower index: one order for every function here. Scores may be infinite (an item masked
// by -infinity comes last); NaN is refused with base::Error (internal), and so is a target out of
// range.

std::size_t rank_of(std::span<const float> scores, std::size_t target);
std::size_t rank_of(std::span<const double> scores, std::size_t target);

// The indices of the `count` best scores, best first; all of them where there are fewer.
std::vector<std::size_t> best_indices(std::span<const float> scores, std::size_t count);

// ---- one relevant item, at `rank` ----

double hit_at(std::size_t rank, std::size_t k);              // 1 where rank < k, else 0
double ndcg_at(std::size_t rank, std::size_t k);             // 1 / log2(rank + 2) where rank < k
double reciprocal_rank_at(std::size_t rank, std::size_t k);  // 1 / (rank + 1) where rank < k

// ---- several relevant items, one query ----
// ranks: the ranks of the relevant items, in any order. `relevant` is how many there are, which is
// more than ranks.size() where some were not retrieved; at least 1.

double hit_at(std::span<const std::size_t> ranks, std::size_t k);  // any of them is below k
// Jarvelin & Kekalainen 2002, binary gains: DCG over that of the best order.
double ndcg_at(std::span<const std::size_t> ranks, std::size_t relevant, std::size_t k);
double reciprocal_rank_at(std::span<const std::size_t> ranks, std::size_t k);  // of the first
double recall_at(std::span<const std::size_t> ranks, std::size_t relevant, std::size_t k);

// ---- means over queries ----

struct RankingScores {
  std::size_t k = 0;
  std::size_t count = 0;  // the denominator: pairs or messages
  double hit = 0;         // the three are means; 0 where count is 0
  double ndcg = 0;
  double reciprocal_rank = 0;
};

// One relevant item a query ("per pair").
RankingScores score_pairs(std::span<const std::size_t> ranks, std::size_t k);

// One list of ranks a query, all relevant items retrieved ("per message": any of them). Lists are
// not empty.
RankingScores score_messages(const std::vector<std::vector<std::size_t>>& ranks, std::size_t k);

}  // namespace metrics
