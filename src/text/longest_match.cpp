#include "text/longest_match.h"

#include <algorithm>

namespace text {
namespace {

unsigned char byte_of(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

}  // namespace

LongestMatch::LongestMatch(const std::vector<std::pair<std::string, int>>& words) {
  for (const auto& [text, id] : words)
    if (!text.empty()) sorted_.push_back({text, id});
  std::ranges::stable_sort(sorted_, {}, &Entry::text);  // char_traits compares as unsigned bytes
  const auto repeated = std::ranges::unique(sorted_, {}, &Entry::text);
  sorted_.erase(repeated.begin(), repeated.end());
  std::size_t at = 0;
  for (int byte = 0; byte < 256; ++byte) {
    first_[byte] = at;
    while (at < sorted_.size() && byte_of(sorted_[at].text, 0) == byte) ++at;
  }
  first_[256] = at;
}

LongestMatch::Match LongestMatch::match(std::string_view text, std::size_t at) const {
  Match best{0, 0, 1};
  auto low = sorted_.begin() + static_cast<std::ptrdiff_t>(first_[byte_of(text, at)]);
  auto high = sorted_.begin() + static_cast<std::ptrdiff_t>(first_[byte_of(text, at) + 1]);
  // low … high are the words that agree with the text in their first `length` bytes; the one that
  // ends there, if any, comes first.
  for (std::size_t length = 1; low != high; ++length) {
    best.steps = length;
    if (low->text.size() == length) {
      best.length = length;
      best.id = low->id;
      ++low;
    }
    if (at + length == text.size()) break;
    const unsigned char next = byte_of(text, at + length);
    low = std::partition_point(
        low, high, [&](const Entry& entry) { return byte_of(entry.text, length) < next; });
    high = std::partition_point(
        low, high, [&](const Entry& entry) { return byte_of(entry.text, length) == next; });
  }
  return best;
}

}  // namespace text
