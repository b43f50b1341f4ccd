#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace text {

// Finds the longest of many words at one place of a text.
class LongestMatch {
 public:
  // Each word with its id. Empty words match nothing; of equal words the first counts.
  explicit LongestMatch(const std::vector<std::pair<std::string, int>>& words);

  struct Match {
    std::size_t length;  // bytes; 0 = none
    int id;
    std::size_t steps;  // bytes looked at: at most those of the longest word
  };
  // Costs a few comparisons for each byte that begins a word, however many words there are.
  // at < text.size().
  Match match(std::string_view text, std::size_t at) const;

 private:
  struct Entry {
    std::string text;
    int id;
  };
  std::vector<Entry> sorted_;
  std::array<std::size_t, 257> first_;  // sorted_[first_[b]] … are the words that start with byte b
};

}  // namespace text
