#include "serving_client.h"

#include <csignal>
#include <optional>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::use_awaitable;

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// False where the other process has ended.
bool write_line(int file, const std::string& text) {
  const std::string line = text + "\n";
  for (std::size_t at = 0; at < line.size();) {
    const auto n = ::write(file, line.data() + at, line.size() - at);
    if (n <= 0) return false;
    at += static_cast<std::size_t>(n);
  }
  return true;
}

// Nothing at the end.
std::optional<std::string> read_line(int file) {
  std::string line;
  for (char byte; ::read(file, &byte, 1) == 1;) {
    if (byte == '\n') return line;
    line += byte;
  }
  return std::nullopt;
}

std::string answer(const std::function<base::Json(const base::Json&)>& work,
                   const std::string& task) {
  base::Json out;
  try {
    out = work(base::parse_json(task, "the client's task"));
  } catch (const std::exception& error) {
    out = {{"error", error.what()}};
  }
  return out.dump(-1, ' ', false, base::Json::error_handler_t::replace);
}

std::size_t number_after(const std::string& head, std::string_view name) {
  const std::size_t at = head.find(name);
  return at == std::string::npos ? 0 : std::stoul(head.substr(at + name.size()));
}

}  // namespace

ClientProcess::ClientProcess(const std::function<base::Json(const base::Json& task)>& work) {
  std::signal(SIGPIPE, SIG_IGN);  // of a process that has ended; writing says so
  int down[2], up[2];
  base::check(::pipe(down) == 0 && ::pipe(up) == 0, "no pipe");
  child_ = ::fork();
  base::check(child_ >= 0, "no process");
  if (child_ == 0) {
    ::close(down[1]);
    ::close(up[0]);
    raise_descriptor_limit();
    while (const std::optional<std::string> task = read_line(down[0]))
      write_line(up[1], answer(work, *task));
    ::_exit(0);
  }
  ::close(down[0]);
  ::close(up[1]);
  to_child_ = down[1];
  from_child_ = up[0];
}

ClientProcess::~ClientProcess() {
  ::close(to_child_);
  ::close(from_child_);
  ::kill(child_, SIGTERM);
  ::waitpid(child_, nullptr, 0);
}

base::Json ClientProcess::run(const base::Json& task) {
  const bool sent = write_line(to_child_, task.dump());
  const std::optional<std::string> text = sent ? read_line(from_child_) : std::nullopt;
  if (!text) throw base::ResourceError("the client's process has ended");
  base::Json out = base::parse_json(*text, "the client's figures");
  if (out.contains("error")) throw base::ResourceError("the client: ", out["error"].dump());
  return out;
}

base::Json in_client_process(const std::function<base::Json()>& work) {
  return ClientProcess([&](const base::Json&) { return work(); }).run(nullptr);
}

awaitable<void> Client::connect() {
  co_await socket_.async_connect(
      {asio::ip::address_v4::loopback(), static_cast<asio::ip::port_type>(port_)}, use_awaitable);
  socket_.set_option(asio::ip::tcp::no_delay(true));
}

awaitable<void> Client::send(const std::string& path, const std::string& body,
                             const std::string& headers) {
  const std::string request =
      "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers +
      "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  co_await asio::async_write(socket_, asio::buffer(request), use_awaitable);
}

awaitable<void> Client::more() {
  char bytes[16384];
  const std::size_t n = co_await socket_.async_read_some(asio::buffer(bytes), use_awaitable);
  received_.append(bytes, n);
}

awaitable<std::string> Client::take_until(std::string_view text) {
  std::size_t at;
  while ((at = received_.find(text)) == std::string::npos) co_await more();
  std::string out = received_.substr(0, at + text.size());
  received_.erase(0, at + text.size());
  co_return out;
}

awaitable<std::string> Client::take_bytes(std::size_t count) {
  while (received_.size() < count) co_await more();
  std::string out = received_.substr(0, count);
  received_.erase(0, count);
  co_return out;
}

awaitable<ClientAnswer> Client::ask(std::string path, std::string body, std::string headers) {
  co_await send(path, body, headers);
  const std::string head = co_await take_until("\r\n\r\n");
  ClientAnswer out;
  out.status = std::stoi(head.substr(9, 3));
  out.body = co_await take_bytes(number_after(head, "Content-Length: "));
  co_return out;
}

awaitable<int> Client::stream(std::string path, std::string body,
                              std::function<void(std::string_view)> take) {
  co_await send(path, body, "");
  const std::string head = co_await take_until("\r\n\r\n");
  const int status = std::stoi(head.substr(9, 3));
  if (status != 200) co_return status;
  std::string text;
  while (true) {
    const std::size_t size = std::stoul(co_await take_until("\r\n"), nullptr, 16);
    text += co_await take_bytes(size);
    co_await take_bytes(2);
    if (size == 0) co_return status;
    std::size_t begin = 0;
    for (std::size_t end; (end = text.find("\n\n", begin)) != std::string::npos; begin = end + 2)
      if (text.compare(begin, 6, "data: ") == 0)
        take(std::string_view(text).substr(begin + 6, end - begin - 6));
    text.erase(0, begin);
  }
}

}  // namespace bench
