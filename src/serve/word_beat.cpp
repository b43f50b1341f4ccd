#include "serve/word_beat.h"

#include <utility>

namespace serve {
namespace {

constexpr std::chrono::milliseconds kFast{10}, kBeat{25};

}  // namespace

std::string WordBeat::take(const std::string& words, Clock::time_point now) {
  if (words.empty()) return "";
  kept_ += words;
  const bool fast = last_ && now - *last_ < kFast;
  last_ = now;
  const Clock::rep beat = now.time_since_epoch() / kBeat;
  const bool same_beat = beat == std::exchange(beat_, beat);
  return fast && same_beat ? "" : rest();
}

std::string WordBeat::rest() { return std::exchange(kept_, ""); }

}  // namespace serve
