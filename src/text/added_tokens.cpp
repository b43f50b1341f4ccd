#include "text/added_tokens.h"

#include <algorithm>

namespace text {
namespace {

unsigned char byte_of(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

}  // namespace

AddedTokenFinder::AddedTokenFinder(const std::vector<AddedToken>& tokens) {
  for (const AddedToken& token : tokens) sorted_.push_back({token.text, token.id});
  std::ranges::sort(sorted_, {}, &Entry::text);  // char_traits compares as unsigned bytes
  std::size_t at = 0;
  for (int byte = 0; byte < 256; ++byte) {
    first_[byte] = at;
    while (at < sorted_.size() && byte_of(sorted_[at].text, 0) == byte) ++at;
  }
  first_[256] = at;
}

AddedTokenFinder::Match AddedTokenFinder::match_at(std::string_view text, std::size_t at) const {
  Match best{at, 0, 0};
  auto low = sorted_.begin() + static_cast<std::ptrdiff_t>(first_[byte_of(text, at)]);
  auto high = sorted_.begin() + static_cast<std::ptrdiff_t>(first_[byte_of(text, at) + 1]);
  // low … high are the tokens that agree with the text in their first `length` bytes; the one that
  // ends there, if any, comes first.
  for (std::size_t length = 1; low != high; ++length) {
    if (low->text.size() == length) {
      best = {at, length, low->id};
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

AddedTokenFinder::Match AddedTokenFinder::find(std::string_view text, std::size_t from) const {
  for (std::size_t at = from; at < text.size(); ++at) {
    const int byte = byte_of(text, at);
    if (first_[byte] == first_[byte + 1]) continue;
    const Match match = match_at(text, at);
    if (match.length > 0) return match;
  }
  return {text.size(), 0, 0};
}

}  // namespace text
