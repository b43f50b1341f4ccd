#include "base/uuid.h"

#include <cctype>
#include <cstring>

#include "base/hash.h"
#include "base/secure_random.h"
#include "base/time.h"

namespace base {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

std::string text_of(UuidBytes bytes, int version) {
  bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0f) | version << 4);
  bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3f) | 0x80);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

UuidBytes random_bytes() {
  UuidBytes bytes;
  std::memcpy(bytes.data(), secure_random(bytes.size()).data(), bytes.size());
  return bytes;
}

}  // namespace

std::string uuid_v4(const UuidBytes& random) { return text_of(random, 4); }

std::string uuid_v7(std::int64_t ms, const UuidBytes& random) {
  UuidBytes bytes = random;
  for (std::size_t i = 0; i < 6; ++i) bytes[i] = static_cast<std::uint8_t>(ms >> (40 - 8 * i));
  return text_of(bytes, 7);
}

std::string uuid_of_name(std::string_view name) {
  const std::string sum = sha256(name);
  UuidBytes bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] =
        static_cast<std::uint8_t>(kDigits.find(sum[2 * i]) << 4 | kDigits.find(sum[2 * i + 1]));
  return text_of(bytes, 8);
}

std::string new_uuid_v4() { return uuid_v4(random_bytes()); }
std::string new_uuid_v7() { return uuid_v7(now_ms(), random_bytes()); }

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i]))) return false;
  }
  return true;
}

}  // namespace base
