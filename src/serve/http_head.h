#pragma once

#include <boost/beast/http.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "serve/http.h"

namespace serve {

// A request whose header has been read, and what its answer has to know.
struct HttpHead {
  HttpRequest request;            // without its body
  bool old = false;               // HTTP/1.0
  bool head_only = false;         // HEAD
  bool last = false;              // the client wants no more answers than this
  bool expects_continue = false;  // it waits to be told that its body is wanted
};

// Nothing where proxies and servers could read it in two ways (http_server.h).
std::optional<HttpHead> read_head(
    const boost::beast::http::request<boost::beast::http::string_body>& from);

// Whether a header line begins with white space: it would go on with the line before (obs-fold),
// which proxies read in different ways.
bool has_folded_line(std::string_view header);

// The status that says what is wrong with a request; 0 where it may go on.
int refusal(const boost::system::error_code& error);

// The lines that every answer begins with.
std::string status_lines(int status);

}  // namespace serve
