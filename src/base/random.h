#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace base {

// Where a random stream belongs. Two different places give independent streams; one place always
// gives the same.
struct RandomPlace {
  std::uint64_t seed = 0;
  std::string_view stage;    // "sft", "rl/rollout", …
  std::uint64_t step = 0;    // which step, epoch or iteration
  std::uint64_t stream = 0;  // which of several streams of one step
};

// A random stream that is a function of its place only (Philox 4x32-10, Salmon et al. 2011):
// nothing global, so that a run that was stopped and resumed draws what it would have drawn.
class Random {
 public:
  explicit Random(const RandomPlace& place);

  std::uint32_t bits();                  // uniform over 32 bits
  double uniform();                      // in [0, 1)
  double normal();                       // mean 0, deviation 1
  std::uint64_t below(std::uint64_t n);  // uniform over 0 … n-1; n > 0
  bool chance(double probability) { return uniform() < probability; }
  std::size_t choose(
      const std::vector<double>& weights);  // an index, in proportion to weights >= 0

  // Fisher-Yates.
  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }

 private:
  void refill();
  std::uint32_t key_[2];
  std::uint32_t counter_[4];
  std::uint32_t block_[4];
  int used_ = 4;
};

// One 64-bit key of the place, to seed what makes its own numbers (a dropout mask).
std::uint64_t random_key(const RandomPlace& place);

}  // namespace base
