#include "metrics/white_space.h"

#include <algorithm>

namespace metrics {

std::size_t space_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
  };
  if (byte(0) == ' ' || (byte(0) >= 0x09 && byte(0) <= 0x0D) ||
      (byte(0) >= 0x1C && byte(0) <= 0x1F))
    return 1;
  if (byte(0) == 0xC2 && (byte(1) == 0x85 || byte(1) == 0xA0)) return 2;
  const int rest = byte(1) << 8 | byte(2);
  if (byte(0) == 0xE1 && rest == 0x9A80) return 3;  // U+1680
  if (byte(0) == 0xE3 && rest == 0x8080) return 3;  // U+3000
  if (byte(0) != 0xE2) return 0;
  if (rest >= 0x8080 && rest <= 0x808A) return 3;  // U+2000 to U+200A
  if (rest == 0x80A8 || rest == 0x80A9 || rest == 0x80AF || rest == 0x819F) return 3;
  return 0;
}

std::size_t last_space_length(std::string_view text) {
  for (std::size_t size = 1; size <= std::min<std::size_t>(3, text.size()); ++size)
    if (space_length(text, text.size() - size) == size) return size;
  return 0;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> out;
  std::size_t begin = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t space = at == text.size() ? 1 : space_length(text, at);
    if (space > 0) {
      if (at > begin) out.emplace_back(text.substr(begin, at - begin));
      begin = at + space;
    }
    at += std::max<std::size_t>(space, 1);
  }
  return out;
}

}  // namespace metrics
