#pragma once

#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <chrono>
#include <cstdint>
#include <memory>

#include "serve/http_server.h"

namespace serve {

// What the connections of a server share. Outlives them.
struct HttpShared {
  HttpOptions options;
  HttpHandler handler;
  std::atomic<std::int64_t> connections{0}, refused{0}, timed_out{0}, malformed{0};
  std::atomic<std::int64_t> busy{0}, writing{0};  // connections with a handler; with bytes to write
  std::atomic<bool> draining{false};
};

// One client, from the first byte to the last.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  explicit HttpConnection(HttpShared& shared) : shared_(shared) {}
  virtual ~HttpConnection() = default;

  virtual void start() = 0;
  // Closes it at once; when no thread works any more.
  virtual void end() = 0;
  // From any thread, now and then: closes it where something has taken too long, and lets a stream
  // say that it lives.
  void look_at_clock(std::chrono::steady_clock::time_point now);

 protected:
  using Clock = std::chrono::steady_clock;
  virtual void close() = 0;  // from any thread, as the next
  virtual void ping() = 0;
  static void set_limit(std::atomic<Clock::rep>& limit, std::chrono::seconds time) {
    limit = (Clock::now() + time).time_since_epoch().count();
  }

  HttpShared& shared_;
  // Since the clock's epoch; 0: none.
  std::atomic<Clock::rep> read_limit_{0}, write_limit_{0}, ping_at_{0};
  std::atomic<bool> slow_{false};
};

// A connection that was accepted. Its executor must be a strand of its own. tls: null where it
// speaks none.
std::shared_ptr<HttpConnection> make_connection(HttpShared& shared,
                                                boost::asio::ip::tcp::socket socket,
                                                boost::asio::ssl::context* tls);

}  // namespace serve
