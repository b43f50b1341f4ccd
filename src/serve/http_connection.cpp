#include "serve/http_connection.h"

#include <algorithm>
#include <array>
#include <boost/beast/http.hpp>
#include <charconv>
#include <deque>
#include <optional>

#include "serve/http_head.h"

namespace serve {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::awaitable;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::size_t kPiece = 64 << 10;           // bytes that one write hands over
constexpr std::uint64_t kMostUnwanted = 64 << 20;  // bytes of a too long body that are read at all
const auto kQuiet = asio::as_tuple(asio::use_awaitable);

// Sets a flag of one connection that its server counts.
void set_counted(bool& flag, bool value, std::atomic<std::int64_t>& count) {
  if (flag != value) count += value ? 1 : -1;
  flag = value;
}

// Everything that is not atomic is touched on the connection's strand only.
template <class Stream>
class StreamConnection final : public HttpConnection {
 public:
  StreamConnection(HttpShared& shared, Stream stream)
      : HttpConnection(shared),
        stream_(std::move(stream)),
        answered_(stream_.get_executor(), asio::steady_timer::time_point::max()) {}

  void start() override {
    ++shared_.connections;  // until gone()
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

  void end() override { gone(); }

 private:
  void close() override {
    asio::post(stream_.get_executor(), [self = self()] { self->gone(); });
  }

  void ping() override {
    asio::post(stream_.get_executor(), [self = self()] {
      if (self->ping_at_ > 0) self->send_bytes(self->ping_);
    });
  }

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
      if (response.status != 204 && response.status != 304)  // which have no body
        out += "Content-Length: " + std::to_string(response.body.size()) + "\r\n";
      out += "\r\n";
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
      std::string out = status_lines(response.status);
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
    const auto [error, n] = co_await stream_.async_read_some(asio::buffer(piece_), kQuiet);
    read_.append(piece_.data(), n);
    co_return !error && !closed_;
  }

  awaitable<void> read_requests() {
    if constexpr (kSecure) {
      const auto [error] = co_await stream_.async_handshake(asio::ssl::stream_base::server, kQuiet);
      if (error) co_return;
    }
    while (true) {
      std::size_t end;
      while ((end = read_.find("\r\n\r\n")) == std::string::npos &&
             read_.size() <= shared_.options.max_header) {
        const bool first = read_.empty();
        if (!co_await fill()) co_return;
        if (first && served_ && !busy_) set_limit(read_limit_, shared_.options.header_time);
      }
      while (busy_ && !closed_) co_await answered_.async_wait(kQuiet);  // one at a time
      if (closed_) co_return;
      if (last_) {  // what came behind the last request is not read
        lingers_ = true;
        co_return;
      }
      if (end == std::string::npos || end + 4 > shared_.options.max_header) co_return refuse(431);
      if (has_folded_line(std::string_view(read_).substr(0, end + 4))) co_return refuse(400);
      if (!co_await read_one()) co_return;
    }
  }

  // Reads a request and hands it over; false where nothing more is to be read.
  awaitable<bool> read_one() {
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(shared_.options.max_header));
    parser.body_limit(shared_.options.max_body);
    parser.eager(false);  // first the header alone
    set_limit(read_limit_, shared_.options.body_time);
    std::optional<HttpHead> head;  // as it stands before the body: what comes behind is no header
    while (true) {
      error_code error;
      read_.erase(0, parser.put(asio::buffer(read_), error));
      if (const int status = refusal(error)) {
        if (status == 413) unwanted_ = still_to_come(parser.get()[http::field::content_length]);
        co_return refuse(status), false;
      }
      if (parser.is_header_done() && !head) {
        head = read_head(parser.get());
        if (!head) co_return refuse(400), false;
        if (!parser.is_done() && head->expects_continue)
          send_bytes("HTTP/1.1 100 Continue\r\n\r\n");
        parser.eager(true);
        if (!parser.is_done() && !read_.empty()) continue;
      }
      if (parser.is_done()) break;
      // The line before a chunk, or those behind the last one.
      if (read_.size() > shared_.options.max_header) co_return refuse(431), false;
      if (!co_await fill()) co_return false;
    }
    read_limit_ = 0;
    head->request.body = std::move(parser.get().body());
    hand_over(std::move(*head));
    co_return true;
  }

  // Of a body of that Content-Length, less what was read; 0 where it is not known or far too much.
  std::uint64_t still_to_come(std::string_view content_length) const {
    std::uint64_t length = 0;
    const char* const end = content_length.data() + content_length.size();
    if (std::from_chars(content_length.data(), end, length).ptr != end) return 0;
    return length > kMostUnwanted ? 0 : length - std::min<std::uint64_t>(length, read_.size());
  }

  void hand_over(HttpHead head) {
    head.request.secure = kSecure;
    served_ = true;
    set_counted(busy_, true, shared_.busy);
    shared_.handler(std::move(head.request),
                    std::make_shared<Answer>(self(), head.old, head.head_only, head.last));
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
    send_bytes(status_lines(status) +
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
    set_counted(writing_, true, shared_.writing);
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
    set_counted(writing_, false, shared_.writing);
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
    set_counted(busy_, false, shared_.busy);
    ping_at_ = 0;
    when_gone_ = nullptr;
    last_ = last_ || last;
    if (last_ && !writing_ && out_.empty()) gone();
    if (!closed_)  // of the next request something may have come already
      set_limit(read_limit_,
                read_.empty() ? shared_.options.keep_alive_time : shared_.options.header_time);
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
    set_counted(busy_, false, shared_.busy);
    set_counted(writing_, false, shared_.writing);
    if (when_gone_) std::exchange(when_gone_, nullptr)();
    --shared_.connections;
  }

  Stream stream_;
  asio::steady_timer answered_;  // cancelled whenever busy_ ends
  std::string read_;             // bytes of requests to come
  std::array<char, 4096> piece_{};
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

}  // namespace

void HttpConnection::look_at_clock(Clock::time_point now) {
  if (const Clock::rep at = ping_at_; at > 0 && now.time_since_epoch().count() >= at) ping();
  for (std::atomic<Clock::rep>* limit : {&read_limit_, &write_limit_}) {
    const Clock::rep until = limit->load();
    if (until == 0 || now.time_since_epoch().count() < until) continue;
    if (!slow_.exchange(true)) ++shared_.timed_out;
    close();
    return;
  }
}

std::shared_ptr<HttpConnection> make_connection(HttpShared& shared, tcp::socket socket,
                                                asio::ssl::context* tls) {
  using Secure = asio::ssl::stream<tcp::socket>;
  if (tls)
    return std::make_shared<StreamConnection<Secure>>(shared, Secure(std::move(socket), *tls));
  return std::make_shared<StreamConnection<tcp::socket>>(shared, std::move(socket));
}

}  // namespace serve
