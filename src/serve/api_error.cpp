#include "serve/api_error.h"

namespace serve {
namespace {

const char* type_of(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    default:
      return status >= 500 ? "server_error" : "invalid_request_error";
  }
}

}  // namespace

ApiError::ApiError(int status, std::string code, const std::string& message, std::string param)
    : std::runtime_error(message),
      status_(status),
      code_(std::move(code)),
      param_(std::move(param)) {}

ApiError ApiError::busy(int status, std::string code, const std::string& message, int seconds) {
  ApiError error(status, std::move(code), message);
  error.headers_.emplace_back("Retry-After", std::to_string(seconds));
  return error;
}

ApiError ApiError::wrong_method(const std::string& allowed) {
  ApiError error(405, "wrong_method", "this path takes " + allowed + " only");
  error.headers_.emplace_back("Allow", allowed);
  return error;
}

base::Json ApiError::json() const {
  base::Json error = {{"message", what()}, {"type", type_of(status_)}, {"code", code_}};
  error["param"] = param_.empty() ? base::Json() : base::Json(param_);
  return {{"error", error}};
}

HttpResponse ApiError::response() const {
  HttpResponse out = json_response(json(), status_);
  out.headers.insert(out.headers.end(), headers_.begin(), headers_.end());
  if (status_ == 401) out.headers.emplace_back("WWW-Authenticate", "Bearer");
  return out;
}

HttpResponse json_response(const base::Json& body, int status) {
  HttpResponse out;
  out.status = status;
  out.headers = {{"Content-Type", "application/json"},
                 {"Cache-Control", "no-store"},
                 {"X-Content-Type-Options", "nosniff"}};
  out.body = body.dump(-1, ' ', false, base::Json::error_handler_t::replace);
  return out;
}

}  // namespace serve
