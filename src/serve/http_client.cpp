#include "serve/http_client.h"

#include <boost/asio.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <charconv>

#include "base/error.h"

namespace serve {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

ServerAddress ServerAddress::parse(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  std::string_view rest = url;
  if (rest.substr(0, kScheme.size()) != kScheme)
    throw base::UsageError("\"", url, "\" is no address of a server: expected http://HOST:PORT");
  rest.remove_prefix(kScheme.size());
  while (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  ServerAddress out;
  const std::size_t colon = rest.rfind(':');
  out.host = rest.substr(0, colon);
  if (colon != std::string_view::npos) {
    const std::string_view port = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
    if (error != std::errc() || end != port.data() + port.size() || out.port < 1 ||
        out.port > 65535)
      out.host.clear();
  }
  if (out.host.empty() || out.host.find('/') != std::string::npos)
    throw base::UsageError("\"", url, "\" is no address of a server: expected http://HOST:PORT");
  return out;
}

struct HttpClient::Connection {
  asio::io_context context;
  asio::ip::tcp::socket socket{context};
  boost::beast::flat_buffer buffer;

  explicit Connection(const ServerAddress& server) {
    error_code error;
    asio::ip::tcp::resolver resolver(context);
    const auto found = resolver.resolve(server.host, std::to_string(server.port), error);
    if (!error) asio::connect(socket, found, error);
    if (error)
      throw base::ResourceError("no server answers at ", server.host, ":", server.port, ": ",
                                error.message());
    socket.set_option(asio::ip::tcp::no_delay(true), error);
  }
};

HttpClient::HttpClient(ServerAddress server) : server_(std::move(server)) {}
HttpClient::~HttpClient() = default;

HttpResponse HttpClient::ask(const std::string& method, const std::string& path,
                             const std::string& body,
                             const std::vector<std::pair<std::string, std::string>>& headers) {
  http::request<http::string_body> request;
  request.method_string(method);
  request.target(path);
  request.version(11);
  request.set(http::field::host, server_.host + ":" + std::to_string(server_.port));
  for (const auto& [name, value] : headers) request.insert(name, value);
  if (!body.empty()) request.set(http::field::content_type, "application/json");
  request.body() = body;
  request.prepare_payload();
  for (const bool again : {true, false}) {
    const bool kept = connection_ != nullptr;
    if (!kept) connection_ = std::make_unique<Connection>(server_);
    http::response_parser<http::string_body> parser;
    parser.body_limit(std::uint64_t{64} << 20);
    error_code error;
    http::write(connection_->socket, request, error);
    if (!error) http::read(connection_->socket, connection_->buffer, parser, error);
    if (error) {
      connection_.reset();
      if (kept && again) continue;
      throw base::ResourceError("the server at ", server_.host, ":", server_.port,
                                " does not answer: ", error.message());
    }
    HttpResponse out;
    out.status = static_cast<int>(parser.get().result_int());
    for (const auto& field : parser.get())
      out.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    if (!parser.keep_alive()) connection_.reset();
    out.body = std::move(parser.get().body());
    return out;
  }
  return {};
}

}  // namespace serve
