#include "base/format.h"

#include <fmt/format.h>

namespace base {

std::string fixed(double value, int digits) { return fmt::format("{:.{}f}", value, digits); }

std::string signed_fixed(double value, int digits) {
  return fmt::format("{:+.{}f}", value, digits);
}

std::string in_quotes(std::string_view text, std::size_t limit) {
  std::size_t size = text.size();
  if (size > limit) {
    size = limit;
    while (size > 0 && (text[size] & 0xC0) == 0x80) --size;  // not inside a character
  }
  std::string out = "\"";
  for (const char c : text.substr(0, size)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out + (size < text.size() ? "…\"" : "\"");
}

}  // namespace base
