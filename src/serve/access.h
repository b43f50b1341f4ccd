#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/http.h"
#include "serve/rate_limit.h"

namespace serve {

// An API key, of which only the SHA-256 is kept.
struct ApiKey {
  std::string name;    // letters, digits, - and _
  std::string sha256;  // of the key, in hexadecimal digits
  int per_minute = 0;  // requests; 0: any number
};

// One key a line: name, SHA-256 and requests a minute, parted by spaces; "#" begins a comment.
// Throws base::DataError naming the line.
std::vector<ApiKey> read_keys(const std::filesystem::path& file);
// Adds a key to a file, which may not be there yet, and returns the key itself, which is kept
// nowhere. Throws base::UsageError where the name is taken or not one.
std::string add_key(const std::filesystem::path& file, const std::string& name, int per_minute);

// Whether it is an origin as browsers say it: "https://shop.example:8443", without a path.
bool is_origin(std::string_view text);

struct AccessOptions {
  std::vector<ApiKey> keys;                // none: open to who reaches the address
  std::vector<std::string> hosts;          // names that a Host header may have; IPv6 in brackets
  std::vector<std::string> cross_origins;  // "https://shop.example": pages that may use the API
  int events_per_minute = 600;             // of a session; 0: any number
};

// Who is asking.
struct Caller {
  std::string subject;   // HMAC of who it is; empty: nobody known
  std::string key;       // name of the key; empty: none
  bool session = false;  // by the cookie
};

// Who may do what. All functions may be called from any thread.
class Access {
 public:
  // secret: what cookies and subjects are signed with.
  Access(AccessOptions options, std::string secret);

  // Throws ApiError 403: a Host that is not ours (DNS rebinding), or a write that a foreign page
  // sent (Origin, Sec-Fetch-Site).
  void check_origin(const HttpRequest& request) const;
  // The Origin that the answer may be read by, where it is one of cross_origins.
  std::optional<std::string> cross_origin(const HttpRequest& request) const;

  // By bearer key or cookie; where no keys are configured, anybody. `user` tells people of one key
  // apart. Throws ApiError 401.
  Caller caller(const HttpRequest& request, const std::string& user = "") const;
  // The same where nobody need be known: then the subject is empty.
  Caller caller_or_nobody(const HttpRequest& request) const;

  bool has_keys() const { return !options_.keys.empty(); }
  // The key's name, in constant time; nothing where it is none of ours.
  std::optional<std::string> key_name(std::string_view key) const;

  // The value of a new session's cookie. key: the name of the key that it stands for, or empty.
  std::string new_session(const std::string& key) const;
  // The Set-Cookie header of a value; an empty one takes the cookie away.
  static std::string set_cookie(const std::string& value, bool secure);

  // Throws ApiError 429 where the key's requests of this minute are used up.
  void count_request(const Caller& caller, std::chrono::steady_clock::time_point now);
  // Whether a session may send one more event; of others requests are counted, not events.
  bool count_event(const Caller& caller, std::chrono::steady_clock::time_point now);

 private:
  std::optional<Caller> session(const HttpRequest& request) const;
  std::string mark_of(const std::string& key) const;
  std::string subject(std::string_view who) const;

  const AccessOptions options_;
  const std::string secret_;
  RateLimit requests_;  // by the key's name
  RateLimit events_;    // by the session's subject
};

}  // namespace serve
