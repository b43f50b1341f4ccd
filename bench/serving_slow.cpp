#include <chrono>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "harness.h"
#include "serve/stub_recommender.h"
#include "serving.h"
#include "serving_client.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kSockets = 2000, kParts = 20;
constexpr std::chrono::milliseconds kBetween(10);  // two parts; each socket's bytes: 200 ms

int connected(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
    throw base::ResourceError("cannot connect");
  return socket;
}

// A client that sends a header byte by byte, without end, and reads nothing.
struct Slow {
  int socket = -1;
  std::size_t sent = 0;
  Clock::time_point since;

  void open(int port) {
    socket = connected(port);
    sent = 0;
    since = Clock::now();
  }
  bool closed() const {
    char byte;
    const auto n = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN);
  }
  void send_byte() {
    constexpr std::string_view kHeader = "GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";
    const char byte = sent < kHeader.size() ? kHeader[sent] : 'x';
    ++sent;
    if (::send(socket, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) return;  // seen as closed next
  }
};

struct Health {
  int errors = 0;
  std::vector<double> times;
};

// Asks anew over a connection of its own, 20 times a second.
void ask_health(int port, Clock::time_point until, Health& health) {
  const std::string request =
      "GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  for (Clock::time_point due = Clock::now(); due < until; due += std::chrono::milliseconds(50)) {
    std::this_thread::sleep_until(due);
    const Clock::time_point start = Clock::now();
    const int socket = connected(port);
    ::send(socket, request.data(), request.size(), MSG_NOSIGNAL);
    std::string answer;
    char bytes[4096];
    for (ssize_t n; (n = ::recv(socket, bytes, sizeof bytes, 0)) > 0;)
      answer.append(bytes, static_cast<std::size_t>(n));
    ::close(socket);
    if (answer.rfind("HTTP/1.1 200", 0) != 0) ++health.errors;
    health.times.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
}

base::Json load(int port, std::chrono::seconds time) {
  std::vector<Slow> slow(kSockets);
  for (Slow& one : slow) one.open(port);
  const Clock::time_point until = Clock::now() + time;
  Health health;
  std::thread asker([&] { ask_health(port, until, health); });
  std::vector<double> lives;  // seconds until the server closed one
  for (std::size_t part = 0; Clock::now() < until; part = (part + 1) % kParts) {
    const Clock::time_point next = Clock::now() + kBetween;
    for (std::size_t i = part; i < slow.size(); i += kParts) {
      if (slow[i].closed()) {
        lives.push_back(std::chrono::duration<double>(Clock::now() - slow[i].since).count());
        ::close(slow[i].socket);
        slow[i].open(port);
      }
      slow[i].send_byte();
    }
    std::this_thread::sleep_until(next);
  }
  asker.join();
  base::Json out = {{"sockets", kSockets},
                    {"closed", lives.size()},
                    {"closed_after_s_least", quantile(lives, 0)},
                    {"closed_after_s_most", quantile(lives, 1)},
                    {"health_asked", health.times.size()},
                    {"health_errors", health.errors}};
  add_times(out, "health", health.times);
  return out;
}

base::Json run(const Options& options) {
  const dialogue::Catalogue catalogue = stub_catalogue();
  serve::StubRecommender stub(catalogue);
  const LoadedServer server(stub, stub_model(catalogue));
  return in_client_process(
      [&] { return load(server.port(), std::chrono::seconds(options.load_seconds)); });
}

}  // namespace

Benchmark serve_slow_benchmark() {
  return {"serve-slow", "/health while 2,000 clients send a header byte by byte and read nothing",
          run};
}

}  // namespace bench
