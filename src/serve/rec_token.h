#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace serve {

inline constexpr std::int64_t kRecTokenLife = std::int64_t{30} * 24 * 3600 * 1000;  // ms

// What a turn showed to whom, signed, so that feedback about it can be believed.
struct RecToken {
  std::string subject, conversation, turn;
  std::vector<std::string> items;  // ids, in rank's order
  std::string model;               // the first 12 digits of its SHA-256
  std::string arm;
  std::int64_t expires_at = 0;  // ms since 1970
};

// Base64url of its JSON, a dot, and its HMAC-SHA256 by the secret.
std::string sign(const RecToken& token, const std::string& secret);

// Reads one back; nothing where it is not one of ours. Whether it has expired is the caller's
// question.
std::optional<RecToken> verify(std::string_view text, const std::string& secret);

}  // namespace serve
