#include "serve/access.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/uuid.h"
#include "serve/api_error.h"

namespace serve {
namespace {

constexpr std::size_t kKeyBytes = 24, kLongestName = 64, kHashDigits = 64, kMarkDigits = 16;
constexpr const char* kDigits = "0123456789abcdef";
constexpr int kCookieSeconds = 395 * 24 * 3600;  // 13 months, the longest that CNIL allows

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return c < 128 && (std::isalnum(c) || c == '-' || c == '_');
         });
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// "Example.ORG:8080" -> "example.org"; "[::1]:80" -> "[::1]".
std::string host_name(std::string_view host) {
  std::size_t end = host.size();
  if (!host.empty() && host.front() == '[')
    end = std::min(host.find(']') + 1, host.size());
  else
    end = std::min(host.find(':'), host.size());
  return lower(host.substr(0, end));
}

AccessOptions with_host_names(AccessOptions options) {
  for (std::string& host : options.hosts) host = host_name(host);
  std::erase(options.hosts, "");  // what a request without a name has
  return options;
}

}  // namespace

std::vector<ApiKey> read_keys(const std::filesystem::path& file) {
  std::vector<ApiKey> keys;
  base::read_lines(file, [&](std::string_view line, long number) {
    const std::string words(line.substr(0, line.find('#')));
    std::istringstream in(words);
    ApiKey key;
    std::string rest;
    if (!(in >> key.name)) return;
    bool whole = static_cast<bool>(in >> key.sha256);
    if (!(in >> key.per_minute)) key.per_minute = 0, in.clear();
    whole = whole && key.sha256.size() == kHashDigits &&
            key.sha256.find_first_not_of(kDigits) == std::string::npos;
    if (!whole || !is_name(key.name) || key.per_minute < 0 || in >> rest)
      throw base::DataError(file, ":", number,
                            ": expected a name, the SHA-256 of a key and requests a minute");
    keys.push_back(std::move(key));
  });
  return keys;
}

std::string add_key(const std::filesystem::path& file, const std::string& name, int per_minute) {
  if (!is_name(name))
    throw base::UsageError("\"", name, "\" is no name for a key: letters, digits, - and _ only");
  std::string content;
  if (std::filesystem::exists(file)) {
    content = base::read_file(file);
    for (const ApiKey& key : read_keys(file))
      if (key.name == name)
        throw base::UsageError(file.string(), " has a key named \"", name, "\" already");
  }
  std::array<unsigned char, kKeyBytes> bytes{};
  base::check(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1,
              "no randomness for a key");
  std::string key = "attune-";
  for (unsigned char byte : bytes) {
    key += kDigits[byte >> 4];
    key += kDigits[byte & 15];
  }
  if (!content.empty() && content.back() != '\n') content += '\n';
  content += name + " " + base::sha256(key) + " " + std::to_string(per_minute) + "\n";
  base::write_file(file, content);
  ::chmod(file.c_str(), S_IRUSR | S_IWUSR);
  return key;
}

bool is_origin(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (text.substr(0, scheme.size()) != scheme) continue;
    const std::string_view host = text.substr(scheme.size());
    return !host.empty() && std::all_of(host.begin(), host.end(), [](unsigned char c) {
      return std::islower(c) || std::isdigit(c) ||
             std::string_view("-.:[]").find(static_cast<char>(c)) != std::string_view::npos;
    });
  }
  return false;
}

Access::Access(AccessOptions options, std::string secret)
    : options_(with_host_names(std::move(options))), secret_(std::move(secret)) {}

void Access::check_origin(const HttpRequest& request) const {
  const auto host = request.header("host");
  const std::string name = host_name(host.value_or(""));
  if (std::find(options_.hosts.begin(), options_.hosts.end(), name) == options_.hosts.end())
    throw ApiError(403, "foreign_host",
                   "this server does not answer to that Host; --host adds a name");
  if (request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS") return;
  if (cross_origin(request)) return;
  if (const auto origin = request.header("origin")) {
    const std::size_t mark = origin->find("://");
    if (mark == std::string_view::npos || origin->substr(mark + 3) != *host)
      throw ApiError(403, "foreign_origin", "pages of other origins may not write here");
  }
  if (const auto site = request.header("sec-fetch-site"))
    if (*site != "same-origin" && *site != "none")
      throw ApiError(403, "foreign_origin", "pages of other sites may not write here");
}

std::optional<std::string> Access::cross_origin(const HttpRequest& request) const {
  const auto origin = request.header("origin");
  if (!origin) return std::nullopt;
  const auto& allowed = options_.cross_origins;
  if (std::find(allowed.begin(), allowed.end(), *origin) == allowed.end()) return std::nullopt;
  return std::string(*origin);
}

std::string Access::subject(std::string_view who) const {
  return base::hmac_sha256(secret_, "subject:" + std::string(who)).substr(0, 32);
}

std::optional<std::string> Access::key_name(std::string_view key) const {
  const std::string hash = base::sha256(key);
  std::optional<std::string> found;
  // No early end: how long it takes says nothing of which keys there are.
  for (const ApiKey& one : options_.keys)
    if (same(one.sha256, hash)) found = one.name;
  return found;
}

// Of the key that a session was made with: a new key may have an old one's name.
std::string Access::mark_of(const std::string& key) const {
  for (const ApiKey& one : options_.keys)
    if (one.name == key) return one.sha256.substr(0, kMarkDigits);
  return "";
}

std::string Access::new_session(const std::string& key) const {
  const std::string id = base::new_uuid_v4() + "." + key + "." + mark_of(key);
  return "v1." + id + "." + base::hmac_sha256(secret_, "session:" + id);
}

std::string Access::set_cookie(const std::string& value, bool secure) {
  return "attune_session=" + value + "; Path=/; HttpOnly; SameSite=Strict; Max-Age=" +
         std::to_string(value.empty() ? 0 : kCookieSeconds) + (secure ? "; Secure" : "");
}

std::optional<Caller> Access::session(const HttpRequest& request) const {
  const auto value = request.cookie("attune_session");
  if (!value || value->size() > 300 || value->substr(0, 3) != "v1.") return std::nullopt;
  const std::size_t last = value->rfind('.'), mark = value->rfind('.', last - 1),
                    name = value->find('.', 3);
  if (name >= mark || mark == std::string_view::npos) return std::nullopt;
  const std::string id(value->substr(3, last - 3));
  if (!same(value->substr(last + 1), base::hmac_sha256(secret_, "session:" + id)))
    return std::nullopt;
  // A session lives as long as the key that it was made with.
  const std::string key(value->substr(name + 1, mark - name - 1));
  const std::string_view made_with = value->substr(mark + 1, last - mark - 1);
  if (has_keys() && (made_with.empty() || made_with != mark_of(key))) return std::nullopt;
  return Caller{subject("session:" + id), key, true};
}

Caller Access::caller_or_nobody(const HttpRequest& request) const {
  if (const auto found = session(request)) return *found;
  return {};
}

Caller Access::caller(const HttpRequest& request, const std::string& user) const {
  if (const auto given = request.header("authorization")) {
    constexpr std::string_view kBearer = "bearer ";
    const std::string_view key =
        lower(given->substr(0, kBearer.size())) == kBearer ? given->substr(kBearer.size()) : "";
    if (const auto name = key_name(key)) return {subject("key:" + *name + ":" + user), *name};
    if (has_keys()) throw ApiError(401, "invalid_api_key", "the API key is not one of this server");
  }
  if (const auto found = session(request)) return *found;
  if (has_keys())
    throw ApiError(401, "invalid_api_key", "an API key is needed: \"Authorization: Bearer KEY\"");
  return {subject("local:" + user), ""};
}

void Access::count_request(const Caller& caller, std::chrono::steady_clock::time_point now) {
  const auto key = std::find_if(options_.keys.begin(), options_.keys.end(),
                                [&](const ApiKey& one) { return one.name == caller.key; });
  if (key == options_.keys.end() || key->per_minute == 0) return;
  if (const auto seconds = requests_.take(key->name, key->per_minute, now))
    throw ApiError::busy(429, "rate_limited", "the key's requests of this minute are used up",
                         static_cast<int>(std::ceil(*seconds)));
}

bool Access::count_event(const Caller& caller, std::chrono::steady_clock::time_point now) {
  if (!caller.session || options_.events_per_minute == 0) return true;
  return !events_.take(caller.subject, options_.events_per_minute, now);
}

}  // namespace serve
