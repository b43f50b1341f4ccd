#include "metrics/diversity.h"

#include <set>

#include "base/error.h"

namespace metrics {
namespace {

template <class Token>
Distinct count_distinct(const std::vector<std::vector<Token>>& replies, std::size_t n) {
  base::check(n > 0, "Distinct-n of n-grams of length 0");
  Distinct out;
  std::set<std::vector<Token>> seen;
  for (const auto& reply : replies) {
    for (std::size_t end = n; end <= reply.size(); ++end) {
      const auto last = reply.begin() + static_cast<std::ptrdiff_t>(end);
      seen.emplace(last - static_cast<std::ptrdiff_t>(n), last);
      ++out.total;
    }
  }
  out.unique = seen.size();
  return out;
}

}  // namespace

double Distinct::ratio() const {
  return total == 0 ? 0.0 : static_cast<double>(unique) / static_cast<double>(total);
}

Distinct distinct(const std::vector<std::vector<std::string>>& replies, std::size_t n) {
  return count_distinct(replies, n);
}

Distinct distinct(const std::vector<std::vector<int>>& replies, std::size_t n) {
  return count_distinct(replies, n);
}

}  // namespace metrics
