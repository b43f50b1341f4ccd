#pragma once

#include <boost/asio.hpp>
#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"

namespace bench {

// A process of its own, so that a client's time and memory are not the server's. Its work may use
// no torch and nothing of the server. It should begin before a model is read: what the server
// writes to afterwards of the memory that there was before is first copied, page by page.
class ClientProcess {
 public:
  explicit ClientProcess(const std::function<base::Json(const base::Json& task)>& work);
  ~ClientProcess();
  ClientProcess(const ClientProcess&) = delete;
  ClientProcess& operator=(const ClientProcess&) = delete;

  // What the work returns for the task; any number of times, one after another. Throws
  // base::ResourceError with the text of what it threw.
  base::Json run(const base::Json& task);

 private:
  int child_ = 0, to_child_ = -1, from_child_ = -1;
};

// The same once.
base::Json in_client_process(const std::function<base::Json()>& work);

struct ClientAnswer {
  int status = 0;
  std::string body;
};

// A client of one kept connection to a server on this machine; many of them share a thread. Throws
// boost::system::system_error where the server closes.
class Client {
 public:
  Client(boost::asio::io_context& context, int port) : socket_(context), port_(port) {}

  boost::asio::awaitable<void> connect();
  // A POST of JSON; headers: whole lines, each with its line end.
  boost::asio::awaitable<ClientAnswer> ask(std::string path, std::string body,
                                           std::string headers = "");
  // The same where the answer is a stream: calls `take` with the data of each event as it comes.
  // Returns the status; of any but 200 the body is left unread.
  boost::asio::awaitable<int> stream(std::string path, std::string body,
                                     std::function<void(std::string_view)> take);

 private:
  boost::asio::awaitable<void> send(const std::string& path, const std::string& body,
                                    const std::string& headers);
  boost::asio::awaitable<void> more();
  // All up to and with the text, taken off.
  boost::asio::awaitable<std::string> take_until(std::string_view text);
  boost::asio::awaitable<std::string> take_bytes(std::size_t count);

  boost::asio::ip::tcp::socket socket_;
  int port_;
  std::string received_;
};

}  // namespace bench
