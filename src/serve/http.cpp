#include "serve/http.h"

namespace serve {
namespace {

// The value of `name` among "name=value" parted by `separator` and any spaces.
std::optional<std::string_view> value_of(std::string_view list, char separator,
                                         std::string_view name) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(separator), list.size());
    std::string_view one = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    const std::size_t equals = one.find('=');
    if (equals != std::string_view::npos && one.substr(0, equals) == name)
      return one.substr(equals + 1);
  }
  return std::nullopt;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::optional<std::string_view> HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return std::nullopt;
}

std::optional<std::string_view> HttpRequest::cookie(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == "cookie")
      if (const auto found = value_of(value, ';', name)) return found;
  return std::nullopt;
}

std::optional<std::string_view> HttpRequest::parameter(std::string_view name) const {
  return value_of(query, '&', name);
}

}  // namespace serve
