#include "serve/http_server.h"

#include <algorithm>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_set>

#include <sys/resource.h>

#include "base/error.h"

namespace serve {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using boost::system::error_code;

constexpr std::size_t kPiece = 64 << 10;           // bytes that one write hands over
constexpr std::uint64_t kMostUnwanted = 64 << 20;  // bytes of a too long body that are read at all
const auto kQuiet = asio::as_tuple(use_awaitable);

std::string status_line(int status) {
  const auto known = http::int_to_status(static_cast<unsigned>(status));
  return "HTTP/1.1 " + std::to_string(status) + " " + std::string(http::obsolete_reason(known)) +
         "\r\n";
}

// Whether a header line begins with white space: it would go on with the line before (obs-fold),
// which proxies read in different ways.
bool has_folded_line(std::string_view header) {
  return header.find("\r\n ") != std::string_view::npos ||
         header.find("\r\n\t") != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

struct Shared {
  HttpOptions options;
  HttpHandler handler;
  std::atomic<std::int64_t> connections{0}, refused{0}, timed_out{0}, malformed{0}, busy{0};
  std::atomic<bool> draining{false};
};

// One client. Everything that is not atomic is touched on its strand only.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(Shared& shared) : shared_(shared) { ++shared_.connections; }
  virtual ~Connection() { --shared_.connections; }
  virtual void start() = 0;
  virtual void close() = 0;  // from any thread
  virtual void ping() = 0;   // the same
  virtual void end() = 0;    // closes it at once; when no thread works any more
  // From any thread: closes it where something has taken too long.
  void look_at_clock(Clock::time_point now) {
    if (const Clock::rep at = ping_at_; at > 0 && now.time_since_epoch().count() >= at) ping();
    for (std::atomic<Clock::rep>* limit : {&read_limit_, &write_limit_}) {
      const Clock::rep until = limit->load();
      if (until == 0 || now.time_since_epoch().count() < until) continue;
      if (!slow_.exchange(true)) ++shared_.timed_out;
      close();
      return;
    }
  }

 protected:
  static void set_limit(std::atomic<Clock::rep>& limit, std::chrono::seconds time) {
    limit = (Clock::now() + time).time_since_epoch().count();
  }

  Shared& shared_;
  // Since the clock's epoch; 0: none.
  std::atomic<Clock::rep> read_limit_{0}, write_limit_{0}, ping_at_{0};
  std::atomic<bool> slow_{false};
};

template <class Stream>
class StreamConnection final : public Connection {
 public:
  StreamConnection(Shared& shared, Stream stream)
      : Connection(shared),
        stream_(std::move(stream)),
        answered_(stream_.get_executor(), asio::steady_timer::time_point::max()) {}

  void start() override {
    set_limit(read_limit_, shared_.options.header_time);
    asio::co_spawn(
        stream_.get_executor(),
        [self = self()]() -> awaitable<void> {
          try {
            co_await self->read_requests();
          } catch (const std::exception&) {  // out of memory, a broken handler: this client only
            self->lingers_ = false;
          }
          if (!self->lingers_) self->gone();  // else whoever writes the last answer does it
        },
        asio::detached);
  }

  void close() override {
    asio::post(stream_.get_executor(), [self = self()] { self->gone(); });
  }

  void end() override { gone(); }

  void ping() override {
    asio::post(stream_.get_executor(), [self = self()] {
      if (self->ping_at_ > 0) self->send_bytes(self->ping_);
    });
  }

 private:
  static constexpr bool kSecure = !std::is_same_v<Stream, tcp::socket>;

  // An answer's way back. It keeps the connection alive, and knows whether it is still its turn.
  class Answer final : public Responder {
   public:
    Answer(std::shared_ptr<StreamConnection> connection, bool old, bool head_only, bool last)
        : connection_(std::move(connection)), old_(old), head_only_(head_only), last_(last) {}
    ~Answer() override {
      // A handler that forgot to answer must not leave its client waiting.
      if (!ended_.exchange(true)) connection_->close();
    }

    void send(HttpResponse response) override {
      if (ended_.exchange(true)) return;
      std::string out = head(response);
      out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n\r\n";
      if (!head_only_) out += response.body;
      pass(std::move(out), true);
    }
    void begin(HttpResponse response) override {
      // HTTP/1.0 knows no chunks: there the body lasts until the connection closes.
      pass(head(response) + (old_ ? "\r\n" : "Transfer-Encoding: chunked\r\n\r\n"), false);
    }
    void write(std::string piece) override {
      if (!piece.empty() && !head_only_) pass(chunk(std::move(piece)), false);
    }
    void finish() override {
      if (ended_.exchange(true)) return;
      pass(old_ || head_only_ ? "" : "0\r\n\r\n", true);
    }
    void keep_alive(std::string piece, std::chrono::seconds silence) override {
      if (head_only_ || piece.empty()) return;
      asio::post(connection_->stream_.get_executor(),
                 [connection = connection_, silence, piece = chunk(std::move(piece))]() mutable {
                   if (!connection->busy_ || connection->closed_) return;
                   connection->ping_ = std::move(piece);
                   connection->silence_ = silence;
                   set_limit(connection->ping_at_, silence);
                 });
    }
    void when_gone(std::function<void()> call) override {
      asio::post(connection_->stream_.get_executor(),
                 [connection = connection_, call = std::move(call)]() mutable {
                   if (connection->closed_)
                     call();
                   else if (connection->busy_)
                     connection->when_gone_ = std::move(call);
                 });
    }

   private:
    std::string chunk(std::string piece) const {
      if (old_) return piece;
      char size[20];
      std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
      return size + std::move(piece) + "\r\n";
    }
    std::string head(const HttpResponse& response) {
      std::string out = status_line(response.status);
      for (const auto& [name, value] : response.headers) out += name + ": " + value + "\r\n";
      if (old_ || last_ || connection_->shared_.draining) {
        last_ = true;
        out += "Connection: close\r\n";
      }
      return out;
    }
    void pass(std::string bytes, bool ends) {
      asio::post(
          connection_->stream_.get_executor(),
          [connection = connection_, bytes = std::move(bytes), ends, last = last_]() mutable {
            connection->send_bytes(std::move(bytes));
            if (ends) connection->answer_ended(last);
          });
    }

    std::shared_ptr<StreamConnection> connection_;
    const bool old_, head_only_;
    bool last_;
    std::atomic<bool> ended_{false};
  };

  std::shared_ptr<StreamConnection> self() {
    return std::static_pointer_cast<StreamConnection>(this->shared_from_this());
  }

  tcp::socket& socket() {
    if constexpr (kSecure)
      return stream_.next_layer();
    else
      return stream_;
  }

  // More bytes behind those read; false at the end.
  awaitable<bool> fill() {
    if (closed_) co_return false;
    const std::size_t before = read_.size();
    read_.resize(before + 4096);
    const auto [error, n] = co_await stream_.async_read_some(
        asio::buffer(read_.data() + before, read_.size() - before), kQuiet);
    read_.resize(before + n);
    co_return !error && !closed_;
  }

  awaitable<void> read_requests() {
    if constexpr (kSecure) {
      const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kQuiet);
      if (error) co_return;
    }
    while (true) {
      std::size_t end;
      while ((end = read_.find("\r\n\r\n")) == std::string::npos) {
        if (read_.size() > shared_.options.max_header) co_return refuse(431);
        const bool first = read_.empty();
        if (!co_await fill()) co_return;
        if (first && served_ && !busy_) set_limit(read_limit_, shared_.options.header_time);
      }
      while (busy_ && !closed_) co_await answered_.async_wait(kQuiet);  // one at a time
      if (closed_ || last_) co_return;
      end += 4;
      if (end > shared_.options.max_header) co_return refuse(431);
      if (has_folded_line(std::string_view(read_).substr(0, end))) co_return refuse(400);
      if (!co_await read_one()) co_return;
    }
  }

  awaitable<bool> read_one() {
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(shared_.options.max_header));
    parser.body_limit(shared_.options.max_body);
    parser.eager(true);
    set_limit(read_limit_, shared_.options.body_time);
    bool checked = false;
    while (!parser.is_done()) {
      error_code error;
      const std::size_t used = parser.put(asio::buffer(read_), error);
      read_.erase(0, used);
      if (error == http::error::body_limit) {
        unwanted_ = still_to_come(parser.get()[http::field::content_length]);
        co_return refuse(413), false;
      }
      if (error == http::error::header_limit) co_return refuse(431), false;
      if (error && error != http::error::need_more) co_return refuse(400), false;
      if (parser.is_header_done() && !checked) {
        checked = true;
        if (!well_formed(parser.get())) co_return refuse(400), false;
        if (!parser.is_done() &&
            lower(std::string(parser.get()[http::field::expect])) == "100-continue")
          send_bytes("HTTP/1.1 100 Continue\r\n\r\n");
      }
      if (!parser.is_done() && !co_await fill()) co_return false;
    }
    read_limit_ = 0;
    hand_over(parser.release());
    co_return true;
  }

  // Of a body of that Content-Length, less what was read; 0 where it is not known or far too much.
  std::uint64_t still_to_come(std::string_view content_length) const {
    std::uint64_t length = 0;
    const char* const end = content_length.data() + content_length.size();
    if (std::from_chars(content_length.data(), end, length).ptr != end) return 0;
    return length > kMostUnwanted ? 0 : length - std::min<std::uint64_t>(length, read_.size());
  }

  static bool well_formed(const http::request<http::string_body>& request) {
    const bool old = request.version() < 11;
    const auto hosts = request.count(http::field::host);
    if (hosts > 1 || (!old && hosts == 0)) return false;
    if (old && request.chunked()) return false;
    if (request.count(http::field::content_length) > 1) return false;
    return !(request.count(http::field::content_length) > 0 &&
             request.count(http::field::transfer_encoding) > 0);
  }

  void hand_over(http::request<http::string_body> request) {
    HttpRequest out;
    out.method = std::string(request.method_string());
    const std::string target(request.target());
    const std::size_t mark = std::min(target.find('?'), target.size());
    out.path = target.substr(0, mark);
    if (mark < target.size()) out.query = target.substr(mark + 1);
    for (const auto& field : request)
      out.headers.emplace_back(lower(std::string(field.name_string())), std::string(field.value()));
    const bool last = !request.keep_alive(), old = request.version() < 11;
    out.body = std::move(request.body());
    out.secure = kSecure;
    busy_ = served_ = true;
    ++shared_.busy;
    shared_.handler(std::move(out), std::make_shared<Answer>(
                                        self(), old, request.method() == http::verb::head, last));
  }

  // An answer of this class's own, after which nothing more is read.
  void refuse(int status) {
    if (closed_) return;
    ++shared_.malformed;
    const std::string body =
        "{\"error\":{\"message\":\"" +
        std::string(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)))) +
        "\",\"type\":\"invalid_request_error\",\"code\":\"bad_http\",\"param\":null}}";
    last_ = true;
    lingers_ = true;
    send_bytes(status_line(status) +
               "Content-Type: application/json\r\nConnection: close\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body);
  }

  void send_bytes(std::string bytes) {
    if (closed_) return;
    if (ping_at_ > 0) set_limit(ping_at_, silence_);
    unread_ += bytes.size();
    if (unread_ > shared_.options.max_unread + kPiece && !out_.empty()) {
      if (!slow_.exchange(true)) ++shared_.timed_out;
      gone();
      return;
    }
    if (!bytes.empty()) out_.push_back(std::move(bytes));
    if (writing_) return;
    writing_ = true;
    asio::co_spawn(
        stream_.get_executor(),
        [self = self()]() -> awaitable<void> { co_await self->write_all(); }, asio::detached);
  }

  awaitable<void> write_all() {
    while (!out_.empty() && !closed_) {
      const std::string bytes = std::move(out_.front());
      out_.pop_front();
      for (std::size_t at = 0; at < bytes.size() && !closed_;) {
        set_limit(write_limit_, shared_.options.write_time);
        const std::size_t size = std::min(kPiece, bytes.size() - at);
        const auto [error, n] =
            co_await asio::async_write(stream_, asio::buffer(bytes.data() + at, size), kQuiet);
        if (error) co_return gone();
        at += n;
      }
      write_limit_ = 0;
      unread_ -= bytes.size();
    }
    writing_ = false;
    if (closed_ || !last_ || busy_) co_return;
    if constexpr (!kSecure)
      if (lingers_) co_await linger();
    gone();
  }

  // The client may still be sending: closing now would take the answer from it. What is left of a
  // body that is too long is read and dropped; of what else comes not more than a second.
  awaitable<void> linger() {
    error_code ignored;
    if (unwanted_ == 0) socket().shutdown(tcp::socket::shutdown_send, ignored);
    const Clock::time_point end = Clock::now() + std::chrono::seconds(unwanted_ > 0 ? 10 : 1);
    const std::uint64_t most = unwanted_ > 0 ? unwanted_ : kMostUnwanted / 16;
    std::string sink(kPiece, '\0');
    for (std::uint64_t read = 0; !closed_ && read < most && Clock::now() < end;) {
      set_limit(read_limit_, std::chrono::seconds(1));  // of silence
      const auto [error, n] = co_await stream_.async_read_some(asio::buffer(sink), kQuiet);
      if (error || n == 0) break;
      read += n;
    }
    socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  void answer_ended(bool last) {
    if (!busy_) return;
    busy_ = false;
    --shared_.busy;
    ping_at_ = 0;
    when_gone_ = nullptr;
    last_ = last_ || last;
    if (last_ && !writing_ && out_.empty()) gone();
    if (!closed_) set_limit(read_limit_, shared_.options.keep_alive_time);
    answered_.cancel();
  }

  void gone() {
    if (closed_) return;
    closed_ = true;
    read_limit_ = write_limit_ = ping_at_ = 0;
    error_code ignored;
    socket().close(ignored);
    answered_.cancel();
    out_.clear();
    if (busy_) {
      busy_ = false;
      --shared_.busy;
    }
    if (when_gone_) std::exchange(when_gone_, nullptr)();
  }

  Stream stream_;
  asio::steady_timer answered_;  // cancelled whenever busy_ ends
  std::string read_;             // bytes of requests to come
  std::deque<std::string> out_;
  std::size_t unread_ = 0;  // bytes of out_ and of what is being written
  bool busy_ = false;       // a request is with the handler
  bool served_ = false;     // some request was: the time for the next begins with its first byte
  bool writing_ = false, closed_ = false;
  bool last_ = false;           // nothing is read after the answer under way
  bool lingers_ = false;        // the client may still be sending when its answer is written
  std::uint64_t unwanted_ = 0;  // bytes of a body that is too long, still to come; 0: not known
  std::function<void()> when_gone_;
  std::string ping_;  // as it is written
  std::chrono::seconds silence_{0};
};

// As many file descriptors as the system lets us have: each client is one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

struct HttpServer::Implementation {
  Shared shared;
  asio::io_context context;
  tcp::acceptor acceptor{context};
  asio::steady_timer clock{context};
  std::optional<asio::ssl::context> tls;
  std::mutex mutex;
  std::unordered_set<std::shared_ptr<Connection>> open;  // under the mutex
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
    std::shared_ptr<Connection> connection;
    if (tls)
      connection = std::make_shared<StreamConnection<asio::ssl::stream<tcp::socket>>>(
          shared, asio::ssl::stream<tcp::socket>(std::move(socket), *tls));
    else
      connection = std::make_shared<StreamConnection<tcp::socket>>(shared, std::move(socket));
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
  const Shared& shared = implementation_->shared;
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
  while (it.shared.busy > 0 && Clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  // What was answered must still reach its clients.
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  stop();
}

void HttpServer::stop() { implementation_->stop(); }

}  // namespace serve
