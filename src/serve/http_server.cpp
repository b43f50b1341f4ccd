#include "serve/http_server.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <vector>

#include <sys/resource.h>

#include "base/error.h"
#include "serve/http_connection.h"

namespace serve {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using boost::system::error_code;

const auto kQuiet = asio::as_tuple(asio::use_awaitable);

// As many file descriptors as the system lets us have: each client is one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

struct HttpServer::Implementation {
  HttpShared shared;
  asio::io_context context;
  tcp::acceptor acceptor{context};
  asio::steady_timer clock{context};
  std::optional<asio::ssl::context> tls;
  std::mutex mutex;
  std::unordered_set<std::shared_ptr<HttpConnection>> open;  // under the mutex
  std::vector<std::thread> threads;
  int port = 0;

  void listen() {
    const HttpOptions& options = shared.options;
    error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error)
      throw base::UsageError("the address to listen at is \"", options.address,
                             "\", expected an IP address");
    const tcp::endpoint at(address, static_cast<asio::ip::port_type>(options.port));
    acceptor.open(at.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(at, error);
    if (!error) acceptor.listen(1024, error);
    if (error)
      throw base::ResourceError("cannot listen at ", options.address, ":", options.port, ": ",
                                error.message());
    port = acceptor.local_endpoint().port();
    if (options.certificate.empty()) return;
    tls.emplace(asio::ssl::context::tls_server);
    tls->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, error);
    tls->use_certificate_chain_file(options.certificate, error);
    if (error)
      throw base::DataError(options.certificate, ": no certificate chain: ", error.message());
    tls->use_private_key_file(options.key, asio::ssl::context::pem, error);
    if (error) throw base::DataError(options.key, ": no private key for it: ", error.message());
  }

  awaitable<void> accept_all() {
    while (!shared.draining) {
      auto [error, socket] = co_await acceptor.async_accept(asio::make_strand(context), kQuiet);
      if (error == asio::error::operation_aborted || shared.draining) co_return;
      if (error) {  // out of descriptors: those that we have will come free
        asio::steady_timer pause(context, std::chrono::milliseconds(50));
        co_await pause.async_wait(kQuiet);
        continue;
      }
      if (shared.connections >= static_cast<std::int64_t>(shared.options.max_connections)) {
        ++shared.refused;
        continue;  // the socket closes itself
      }
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      take(std::move(socket));
    }
  }

  void take(tcp::socket socket) {
    const auto connection = make_connection(shared, std::move(socket), tls ? &*tls : nullptr);
    {
      const std::lock_guard lock(mutex);
      open.insert(connection);
    }
    connection->start();
  }

  // Twice a second: drops who is too slow, forgets who is gone.
  awaitable<void> watch_clock() {
    while (true) {
      clock.expires_after(std::chrono::milliseconds(500));
      const auto [error] = co_await clock.async_wait(kQuiet);
      if (error) co_return;
      const Clock::time_point now = Clock::now();
      const std::lock_guard lock(mutex);
      std::erase_if(open, [](const auto& one) { return one.use_count() == 1; });
      for (const auto& one : open) one->look_at_clock(now);
    }
  }

  void stop() {
    if (threads.empty()) return;
    shared.draining = true;
    context.stop();
    for (std::thread& thread : threads) thread.join();
    threads.clear();
    for (const auto& one : open) one->end();
  }
};

HttpServer::HttpServer(const HttpOptions& options, HttpHandler handler)
    : implementation_(std::make_unique<Implementation>()) {
  Implementation& it = *implementation_;
  it.shared.options = options;
  it.shared.handler = std::move(handler);
  raise_descriptor_limit();
  it.listen();
  asio::co_spawn(it.context, it.accept_all(), asio::detached);
  asio::co_spawn(it.context, it.watch_clock(), asio::detached);
  for (int i = 0; i < std::max(1, options.threads); ++i)
    it.threads.emplace_back([&it] { it.context.run(); });
}

HttpServer::~HttpServer() { stop(); }

int HttpServer::port() const { return implementation_->port; }

HttpCounts HttpServer::counts() const {
  const HttpShared& shared = implementation_->shared;
  return {shared.connections, shared.refused, shared.timed_out, shared.malformed};
}

void HttpServer::drain(std::chrono::milliseconds patience) {
  Implementation& it = *implementation_;
  it.shared.draining = true;
  asio::post(it.context, [&it] {
    error_code ignored;
    it.acceptor.close(ignored);
  });
  const auto until = Clock::now() + patience;
  // An answer has ended only when its client's machine has it.
  while (it.shared.busy + it.shared.writing > 0 && Clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  stop();
}

void HttpServer::stop() { implementation_->stop(); }

}  // namespace serve
