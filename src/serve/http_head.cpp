#include "serve/http_head.h"

#include <algorithm>
#include <ctime>

namespace serve {

namespace http = boost::beast::http;

namespace {

// "Date: Thu, 26 Nov 2026 09:30:00 GMT\r\n"
std::string date_line() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[64];
  const std::size_t n = std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n",
                                      ::gmtime_r(&now, &parts));
  return std::string(text, n);
}

}  // namespace

std::optional<HttpHead> read_head(const http::request<http::string_body>& from) {
  HttpHead out;
  out.old = from.version() < 11;
  const auto hosts = from.count(http::field::host),
             lengths = from.count(http::field::content_length),
             codings = from.count(http::field::transfer_encoding);
  if (hosts > 1 || (hosts == 0 && !out.old) || lengths > 1 || lengths + codings > 1)
    return std::nullopt;
  // Of what else it may be coded in nobody knows where it ends.
  if (codings > 0 && (out.old || lower(from[http::field::transfer_encoding]) != "chunked"))
    return std::nullopt;
  out.head_only = from.method() == http::verb::head;
  out.last = !from.keep_alive();
  out.expects_continue = lower(from[http::field::expect]) == "100-continue";
  out.request.method = std::string(from.method_string());
  const std::string target(from.target());
  const std::size_t mark = std::min(target.find('?'), target.size());
  out.request.path = target.substr(0, mark);
  if (mark < target.size()) out.request.query = target.substr(mark + 1);
  for (const auto& field : from)
    out.request.headers.emplace_back(lower(field.name_string()), std::string(field.value()));
  return out;
}

bool has_folded_line(std::string_view header) {
  return header.find("\r\n ") != std::string_view::npos ||
         header.find("\r\n\t") != std::string_view::npos;
}

int refusal(const boost::system::error_code& error) {
  if (!error || error == http::error::need_more) return 0;
  if (error == http::error::body_limit) return 413;
  return error == http::error::header_limit ? 431 : 400;
}

std::string status_lines(int status) {
  const auto known = http::int_to_status(static_cast<unsigned>(status));
  return "HTTP/1.1 " + std::to_string(status) + " " + std::string(http::obsolete_reason(known)) +
         "\r\n" + date_line();
}

}  // namespace serve
