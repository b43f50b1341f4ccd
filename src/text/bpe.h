#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace text {

// "left and right side by side become result". The earlier in a list, the sooner it is applied.
struct Merge {
  int left, right, result;
  bool operator==(const Merge&) const = default;
};

struct MergedWord {
  std::vector<int> ids;
  std::int64_t steps = 0;  // candidate merges looked at: at most three times the word's bytes
};

// Byte-pair merging: over and over the earliest merge of the list, its leftmost place first.
class Bpe {
 public:
  // byte_ids: the token of each byte, 256 of them. No pair of tokens appears twice in `merges`.
  Bpe(std::vector<int> byte_ids, const std::vector<Merge>& merges);

  // O(n log n) in the word's length, whatever the word.
  MergedWord merge(std::string_view word) const;

 private:
  struct Slot {
    std::uint64_t pair;
    int rank;
    int result;
  };
  const Slot* find(int left, int right) const;

  std::vector<int> byte_ids_;
  std::vector<Slot> slots_;  // open addressing, a power of two of them; rank -1 = free
};

}  // namespace text
