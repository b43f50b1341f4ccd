#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace base {

using Json = nlohmann::ordered_json;

// Parses JSON from anywhere, trusted or not. `where` (a path, or "path:line") starts every error
// message. Throws DataError where the text is cut, is not UTF-8, nests deeper than 64, or names a
// key twice in one object. A whole number that fits no integer type becomes the nearest double.
Json parse_json(std::string_view text, const std::string& where);

// The same of a whole file.
Json read_json(const std::filesystem::path& path);

// Writes indented JSON, whole or not at all.
void write_json(const std::filesystem::path& path, const Json& json);

// The value under `key`, which must be there and convert to T. Throws DataError naming `where`, the
// key, what was found and what was expected.
template <class T>
T require(const Json& object, const std::string& key, const std::string& where);

// The same, or nothing where the key is absent or null.
template <class T>
std::optional<T> optional(const Json& object, const std::string& key, const std::string& where);

// Says `attune.KIND/VERSION`, the `schema` that every file of ours carries.
std::string schema(std::string_view kind, int version);

// Reads the `schema` of a file of ours and returns its version. Throws DataError where it is of
// another kind, or newer than `newest` (with the advice to update attune).
int require_schema(const Json& object, std::string_view kind, int newest, const std::string& where);

// ---- implementation of the templates ----

namespace detail {
[[noreturn]] void missing_key(const std::string& key, const std::string& where);
[[noreturn]] void wrong_type(const Json& value, const std::string& key, const char* expected,
                             const std::string& where);
template <class T>
const char* type_name() {
  if constexpr (std::is_same_v<T, bool>)
    return "true or false";
  else if constexpr (std::is_integral_v<T>)
    return "a whole number";
  else if constexpr (std::is_floating_point_v<T>)
    return "a number";
  else if constexpr (std::is_same_v<T, std::string>)
    return "a text";
  else
    return "a list or an object of the right form";
}
template <class T>
bool has_type(const Json& value) {
  if constexpr (std::is_same_v<T, bool>)
    return value.is_boolean();
  else if constexpr (std::is_integral_v<T>)
    return value.is_number_unsigned()  ? std::in_range<T>(value.get<std::uint64_t>())
           : value.is_number_integer() ? std::in_range<T>(value.get<std::int64_t>())
                                       : false;
  else if constexpr (std::is_floating_point_v<T>)
    return value.is_number();
  else if constexpr (std::is_same_v<T, std::string>)
    return value.is_string();
  else
    return true;
}
template <class T>
T convert(const Json& value, const std::string& key, const std::string& where) {
  if (!has_type<T>(value)) wrong_type(value, key, type_name<T>(), where);
  try {
    return value.get<T>();
  } catch (const nlohmann::json::exception&) {
    wrong_type(value, key, type_name<T>(), where);
  }
}
}  // namespace detail

template <class T>
T require(const Json& object, const std::string& key, const std::string& where) {
  if (!object.is_object() || !object.contains(key)) detail::missing_key(key, where);
  return detail::convert<T>(object.at(key), key, where);
}

template <class T>
std::optional<T> optional(const Json& object, const std::string& key, const std::string& where) {
  if (!object.is_object() || !object.contains(key) || object.at(key).is_null()) return std::nullopt;
  return detail::convert<T>(object.at(key), key, where);
}

}  // namespace base
