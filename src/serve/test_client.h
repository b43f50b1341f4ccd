#pragma once

#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"

namespace serve {

// A client of one connection to this machine, for tests: plain sockets, bytes as the test wants.
class TestClient {
 public:
  explicit TestClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    timeval patience{20, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(static_cast<std::uint16_t>(port));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
      throw std::runtime_error("cannot connect");
  }
  ~TestClient() { close(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  // Whether the server took them all.
  bool send(const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
      const auto n = ::send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
      if (n <= 0) return false;  // the server has closed it
      at += static_cast<std::size_t>(n);
    }
    return true;
  }
  // Until `text` has come, or the server closes: all that has come so far.
  const std::string& read_until(const std::string& text) {
    while (received_.find(text) == std::string::npos && more()) {
    }
    return received_;
  }
  const std::string& read_all() {
    while (more()) {
    }
    return received_;
  }
  // Whether nothing has come that was not read, and the connection is open.
  bool waits() {
    char byte;
    return ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
  }
  // Whether the server has closed the connection, with nothing left to read.
  bool closed() {
    char byte;
    return ::recv(socket_, &byte, 1, 0) == 0;
  }

 private:
  bool more() {
    char bytes[4096];
    const auto n = ::recv(socket_, bytes, sizeof bytes, 0);
    if (n <= 0) return false;
    received_.append(bytes, static_cast<std::size_t>(n));
    return true;
  }
  int socket_ = -1;
  std::string received_;
};

struct TestAnswer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names as sent
  std::string body;                            // put together again where it came in pieces
  base::Json json() const { return base::parse_json(body, "answer"); }
};

inline TestAnswer read_answer(const std::string& bytes) {
  TestAnswer out;
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return out;
  out.status = std::stoi(bytes.substr(9, 3));
  for (std::size_t at = bytes.find("\r\n") + 2; at < end;) {
    const std::size_t line = std::min(bytes.find("\r\n", at), end);
    const std::size_t colon = bytes.find(": ", at);
    out.headers[bytes.substr(at, colon - at)] = bytes.substr(colon + 2, line - colon - 2);
    at = line + 2;
  }
  out.body = bytes.substr(end + 4);
  const auto coding = out.headers.find("Transfer-Encoding");
  if (coding == out.headers.end() || coding->second != "chunked") return out;
  std::string whole;
  for (std::size_t at = 0; at < out.body.size();) {
    const std::size_t line = out.body.find("\r\n", at);
    if (line == std::string::npos) break;
    const std::size_t size = std::stoul(out.body.substr(at, line - at), nullptr, 16);
    if (size == 0) break;
    whole += out.body.substr(line + 2, size);
    at = line + 2 + size + 2;
  }
  out.body = whole;
  return out;
}

using TestHeaders = std::vector<std::pair<std::string, std::string>>;

inline std::string request_text(const std::string& method, const std::string& path,
                                const std::string& body = "", const TestHeaders& headers = {}) {
  std::string out = method + " " + path + " HTTP/1.1\r\n";
  bool host = false;
  for (const auto& [name, value] : headers) {
    out += name + ": " + value + "\r\n";
    host = host || name == "Host";
  }
  if (!host) out += "Host: localhost\r\n";
  if (!body.empty())
    out +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  return out + "Connection: close\r\n\r\n" + body;
}

inline TestAnswer ask(int port, const std::string& method, const std::string& path,
                      const std::string& body = "", const TestHeaders& headers = {}) {
  TestClient client(port);
  client.send(request_text(method, path, body, headers));
  return read_answer(client.read_all());
}

}  // namespace serve
