#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace serve {

// When the words of a stream are sent. Words that come less than 10 ms after the ones before are
// kept, and go with the first that come in the next beat of 25 ms: a reader sees no difference, and
// the threads that talk with clients, which the model shares its cores with, wake less often. A
// beat is the clock's, so that all streams have the same.
class WordBeat {
 public:
  using Clock = std::chrono::steady_clock;

  // The words came now. Returns what to send: nothing, or all that was kept and these.
  std::string take(const std::string& words, Clock::time_point now);

  // What is still kept, for a stream that ends.
  std::string rest();

 private:
  std::string kept_;
  std::optional<Clock::time_point> last_;  // when words came
  Clock::rep beat_ = 0;
};

}  // namespace serve
