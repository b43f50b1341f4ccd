#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace serve {

// How often each of many may do something: at first as often as in a minute, then at that pace. All
// functions may be called from any thread.
class RateLimit {
 public:
  // Takes one, or nothing where none is left: then the seconds until there will be.
  std::optional<double> take(const std::string& who, int per_minute,
                             std::chrono::steady_clock::time_point now);

 private:
  struct Bucket {
    double left = 0;
    std::chrono::steady_clock::time_point at;
  };
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
  std::chrono::steady_clock::time_point swept_;  // when those that are full again were forgotten
};

}  // namespace serve
