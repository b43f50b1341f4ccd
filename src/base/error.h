#pragma once

#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>

namespace base {

// What went wrong, for whoever maps it: main to an exit code, HTTP to a status.
enum class ErrorKind {
  usage,     // a wrong command, flag or setting
  data,      // a file that is missing, damaged or not what it should be
  resource,  // the machine: disk full, no memory, a lock that somebody else holds
  internal,  // our own mistake
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

// The parts, printed one after another.
template <class... Parts>
std::string concatenate(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

class UsageError : public Error {
 public:
  template <class... Parts>
  explicit UsageError(const Parts&... parts) : Error(ErrorKind::usage, concatenate(parts...)) {}
};

// The message starts with the file's path; the parts follow as they are, e.g. DataError(path, ":12:
// not JSON").
class DataError : public Error {
 public:
  template <class... Parts>
  explicit DataError(const std::filesystem::path& path, const Parts&... parts)
      : Error(ErrorKind::data, concatenate(path.string(), parts...)) {}
};

class ResourceError : public Error {
 public:
  template <class... Parts>
  explicit ResourceError(const Parts&... parts)
      : Error(ErrorKind::resource, concatenate(parts...)) {}
};

// Throws Error(internal) with the parts where an invariant does not hold, in release builds too.
template <class... Parts>
void check(bool holds, const Parts&... parts) {
  if (!holds) throw Error(ErrorKind::internal, concatenate(parts...));
}

}  // namespace base
