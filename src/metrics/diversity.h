#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace metrics {

// Distinct-n (Li et al. 2016) over tokens: different n-grams of all replies together, over all
// their n-grams. No n-gram runs over the end of a reply.
struct Distinct {
  std::size_t unique = 0;
  std::size_t total = 0;  // the denominator
  double ratio() const;   // 0 where total is 0
};

// replies: the tokens of each. n >= 1.
Distinct distinct(const std::vector<std::vector<std::string>>& replies, std::size_t n);
Distinct distinct(const std::vector<std::vector<int>>& replies, std::size_t n);

}  // namespace metrics
