#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace base {

// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256(std::string_view bytes);

// The same of a file's content, read in pieces. Throws DataError where the file cannot be read.
std::string sha256_file(const std::filesystem::path& path);

// HMAC with SHA-256 (RFC 2104) as 64 lower-case hexadecimal digits.
std::string hmac_sha256(std::string_view key, std::string_view bytes);

// Whether two texts are the same, in a time that depends on their lengths only.
bool equal_in_constant_time(std::string_view a, std::string_view b);

// A 64-bit hash of a text, the same on every machine and in every version: it seeds random streams.
// Not for security.
constexpr std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

}  // namespace base
