#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "serve/http.h"

namespace serve {

// A request that is answered with an error, in OpenAI's shape:
// {"error": {"message", "type", "code", "param"}}.
class ApiError : public std::runtime_error {
 public:
  // The type follows from the status. param: which part of the request; empty: none.
  ApiError(int status, std::string code, const std::string& message, std::string param = "");
  // "code" and what to wait for, in whole seconds, in Retry-After (429, 503).
  static ApiError busy(int status, std::string code, const std::string& message, int seconds);
  // 405, with the methods that the path takes in Allow.
  static ApiError wrong_method(const std::string& allowed);

  int status() const { return status_; }
  const std::string& code() const { return code_; }
  base::Json json() const;
  HttpResponse response() const;

 private:
  int status_ = 500;
  std::string code_, param_;
  std::vector<std::pair<std::string, std::string>> headers_;
};

// A body as JSON, with what every answer of the API carries.
HttpResponse json_response(const base::Json& body, int status = 200);

}  // namespace serve
