#include "serve/rate_limit.h"

#include <algorithm>

namespace serve {

constexpr std::chrono::minutes kFull{1};  // until a bucket that nobody takes from is full

std::optional<double> RateLimit::take(const std::string& who, int per_minute,
                                      std::chrono::steady_clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (now - swept_ > kFull) {
    std::erase_if(buckets_, [&](const auto& one) { return now - one.second.at > kFull; });
    swept_ = now;
  }
  const double most = per_minute, per_second = most / 60;
  const auto [at, made] = buckets_.try_emplace(who, Bucket{most, now});
  Bucket& bucket = at->second;
  const std::chrono::duration<double> since = now - bucket.at;
  bucket.left = std::min(most, bucket.left + per_second * since.count());
  bucket.at = now;
  if (bucket.left < 1) return (1 - bucket.left) / per_second;
  bucket.left -= 1;
  return std::nullopt;
}

}  // namespace serve
