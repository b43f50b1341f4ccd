#include "text/byte_alphabet.h"

#include "text/unicode.h"

namespace text {
namespace {

bool stands_for_itself(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

struct Alphabet {
  std::array<unsigned char, 256> order;    // rank to byte
  std::array<std::string, 256> character;  // byte to UTF-8
  std::array<int, 512> byte_of;            // code point to byte, or -1
};

Alphabet build_alphabet() {
  Alphabet out;
  out.byte_of.fill(-1);
  int rank = 0;
  const auto add = [&](int byte, int code_point) {
    out.order[rank++] = static_cast<unsigned char>(byte);
    out.character[byte] = to_utf8(code_point);
    out.byte_of[code_point] = byte;
  };
  for (int byte = 0; byte < 256; ++byte)
    if (stands_for_itself(byte)) add(byte, byte);
  int code_point = 256;
  for (int byte = 0; byte < 256; ++byte)
    if (!stands_for_itself(byte)) add(byte, code_point++);
  return out;
}

const Alphabet& alphabet() {
  static const Alphabet built = build_alphabet();
  return built;
}

}  // namespace

const std::array<unsigned char, 256>& byte_order() { return alphabet().order; }

std::string to_printable(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes) out += alphabet().character[static_cast<unsigned char>(byte)];
  return out;
}

std::optional<std::string> from_printable(std::string_view printable) {
  std::string out;
  for (std::size_t at = 0; at < printable.size();) {
    const CodePoint next = code_point_at(printable, at);
    if (next.value >= alphabet().byte_of.size() || alphabet().byte_of[next.value] < 0)
      return std::nullopt;
    out += static_cast<char>(alphabet().byte_of[next.value]);
    at += next.length;
  }
  return out;
}

}  // namespace text
