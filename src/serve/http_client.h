#pragma once

#include <memory>
#include <string>

#include "serve/http.h"

namespace serve {

// Where a server is: "http://127.0.0.1:8080". Throws base::UsageError where it is not such a URL;
// TLS is not spoken here.
struct ServerAddress {
  std::string host;
  int port = 80;
  static ServerAddress parse(const std::string& url);
};

// A client of one connection that is kept, for programs that talk with a server of ours. Waits for
// each answer; for one thread.
class HttpClient {
 public:
  explicit HttpClient(ServerAddress server);
  ~HttpClient();

  // headers: besides Host and lengths. A connection that the server has closed meanwhile is opened
  // anew, once. Throws base::ResourceError where the server does not answer.
  HttpResponse ask(const std::string& method, const std::string& path, const std::string& body = "",
                   const std::vector<std::pair<std::string, std::string>>& headers = {});

 private:
  struct Connection;
  const ServerAddress server_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace serve
