#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "serve/http.h"

namespace serve {

struct HttpOptions {
  std::string address = "127.0.0.1";
  int port = 8080;  // 0: any free one
  int threads = 2;
  std::string certificate, key;  // PEM files; empty: no TLS
  std::size_t max_connections = 4096;
  std::size_t max_header = 16 << 10;     // bytes
  std::size_t max_body = 1 << 20;        // bytes
  std::size_t max_unread = 1 << 20;      // bytes of an answer that a client has yet to take
  std::chrono::seconds header_time{10};  // for all of a request's header, and for the first byte
  std::chrono::seconds body_time{30};    // for all of its body
  std::chrono::seconds write_time{10};   // for the client to take the next piece
  std::chrono::seconds keep_alive_time{75};  // between two requests
};

struct HttpCounts {
  std::int64_t connections = 0;  // open now
  std::int64_t refused = 0;      // closed at once, since there were too many
  std::int64_t timed_out = 0;    // dropped for being slow
  std::int64_t malformed = 0;    // requests that are not HTTP, or of the kinds refused below
};

// HTTP/1.1, with TLS where there is a certificate. Calls the handler for each request, from one of
// its own threads; one request of a connection at a time. What proxies and servers read differently
// is refused with 400: no or several Host headers, chunks in HTTP/1.0, folded header lines, both of
// Content-Length and Transfer-Encoding, any coding but chunked. Fields behind a body are passed
// over. 413 and 431 are its own answers, too. Who is slower than the times above is dropped without
// one.
class HttpServer {
 public:
  // Binds and listens. Throws base::ResourceError where the address is taken or not to be had,
  // base::DataError where a certificate cannot be read.
  HttpServer(const HttpOptions& options, HttpHandler handler);
  ~HttpServer();  // stop()

  int port() const;
  HttpCounts counts() const;

  // Takes no more connections and requests, and waits until those under way are answered and their
  // answers are sent, no longer than `patience`. Then stops.
  void drain(std::chrono::milliseconds patience);
  // Closes everything.
  void stop();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace serve
