#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace serve {

// With the letters of ASCII in lower case.
std::string lower(std::string_view text);

// What came in, whole. Header names are in lower case; a name may occur several times.
struct HttpRequest {
  std::string method;
  std::string path;   // before the "?", as sent
  std::string query;  // after it
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  bool secure = false;  // came over TLS

  // The first value of a header, or nothing.
  std::optional<std::string_view> header(std::string_view name) const;
  // The value of a cookie, or nothing.
  std::optional<std::string_view> cookie(std::string_view name) const;
  // The value of "name=value" in the query, as sent, or nothing.
  std::optional<std::string_view> parameter(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  // without lengths
  std::string body;
};

// Where an answer goes. Every function may be called from any thread, at any time after the
// handler was called, once: send(), or begin(), any number of write() and finish(). What comes
// after the client has gone away is dropped. It must not outlive its server.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void send(HttpResponse response) = 0;
  // An answer in pieces; the body of `head` is not read.
  virtual void begin(HttpResponse head) = 0;
  virtual void write(std::string piece) = 0;
  virtual void finish() = 0;
  // From begin() on: this piece is written whenever nothing else was for so long.
  virtual void keep_alive(std::string piece, std::chrono::seconds silence) = 0;
  // Called once, from a thread of the server, when the client goes away before the answer's end,
  // or reads so slowly that it is dropped. At once where it has gone already.
  virtual void when_gone(std::function<void()> gone) = 0;
};

using HttpHandler = std::function<void(HttpRequest, std::shared_ptr<Responder>)>;

}  // namespace serve
