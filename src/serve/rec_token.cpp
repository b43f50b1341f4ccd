#include "serve/rec_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/hash.h"
#include "base/json.h"

namespace serve {
namespace {

constexpr std::size_t kLongest = 4096;

std::string encode(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data()),
                                static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::optional<std::string> decode(std::string text) {
  for (char& c : text) c = c == '-' ? '+' : c == '_' ? '/' : c;
  const std::size_t padding = (4 - text.size() % 4) % 4;
  text.append(padding, '=');
  std::string out(text.size() / 4 * 3, '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(text.data()),
                                static_cast<int>(text.size()));
  if (n < 0 || padding > 2) return std::nullopt;
  out.resize(static_cast<std::size_t>(n) - padding);
  return out;
}

}  // namespace

std::string sign(const RecToken& token, const std::string& secret) {
  const base::Json json = {{"s", token.subject},   {"c", token.conversation}, {"t", token.turn},
                           {"i", token.items},     {"m", token.model},        {"a", token.arm},
                           {"e", token.expires_at}};
  const std::string body = encode(json.dump(-1, ' ', false, base::Json::error_handler_t::replace));
  return body + "." + base::hmac_sha256(secret, "rec_token:" + body);
}

std::optional<RecToken> verify(std::string_view text, const std::string& secret) {
  const std::size_t dot = text.rfind('.');
  if (text.size() > kLongest || dot == std::string_view::npos) return std::nullopt;
  const std::string body(text.substr(0, dot));
  const std::string mac = base::hmac_sha256(secret, "rec_token:" + body);
  if (mac.size() != text.size() - dot - 1 ||
      CRYPTO_memcmp(mac.data(), text.data() + dot + 1, mac.size()) != 0)
    return std::nullopt;
  // Signed by us, so it is of the form that sign() wrote.
  const auto bytes = decode(body);
  if (!bytes) return std::nullopt;
  const base::Json json = base::parse_json(*bytes, "rec_token");
  RecToken token;
  token.subject = base::require<std::string>(json, "s", "rec_token");
  token.conversation = base::require<std::string>(json, "c", "rec_token");
  token.turn = base::require<std::string>(json, "t", "rec_token");
  token.items = base::require<std::vector<std::string>>(json, "i", "rec_token");
  token.model = base::require<std::string>(json, "m", "rec_token");
  token.arm = base::require<std::string>(json, "a", "rec_token");
  token.expires_at = base::require<std::int64_t>(json, "e", "rec_token");
  return token;
}

}  // namespace serve
