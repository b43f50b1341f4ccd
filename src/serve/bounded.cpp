#include "serve/bounded.h"

#include <algorithm>
#include <cctype>

#include "base/uuid.h"
#include "serve/api_error.h"

namespace serve {
namespace {

[[noreturn]] void wrong(const std::string& key, const std::string& expected) {
  throw ApiError(400, "invalid_value", "\"" + key + "\" must be " + expected, key);
}

const base::Json* find(const base::Json& object, const std::string& key) {
  const auto at = object.find(key);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

}  // namespace

base::Json read_body(std::string_view body) {
  base::Json json;
  try {
    json = base::parse_json(body, "the body");
  } catch (const base::Error& error) {
    throw ApiError(400, "invalid_json", error.what());
  }
  if (!json.is_object()) throw ApiError(400, "invalid_json", "the body must be a JSON object");
  return json;
}

std::optional<std::string> text_in(const base::Json& object, const std::string& key,
                                   std::size_t most_bytes) {
  const base::Json* value = find(object, key);
  if (!value) return std::nullopt;
  if (!value->is_string() || value->get_ref<const std::string&>().size() > most_bytes)
    wrong(key, "a text of at most " + std::to_string(most_bytes) + " bytes");
  return value->get<std::string>();
}

std::optional<std::int64_t> whole_in(const base::Json& object, const std::string& key,
                                     std::int64_t least, std::int64_t most) {
  const base::Json* value = find(object, key);
  if (!value) return std::nullopt;
  const bool whole = value->is_number_unsigned()
                         ? std::in_range<std::int64_t>(value->get<std::uint64_t>())
                         : value->is_number_integer();
  if (!whole || value->get<std::int64_t>() < least || value->get<std::int64_t>() > most)
    wrong(key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return value->get<std::int64_t>();
}

std::optional<double> number_in(const base::Json& object, const std::string& key, double least,
                                double most) {
  const base::Json* value = find(object, key);
  if (!value) return std::nullopt;
  if (!value->is_number() || !(value->get<double>() >= least && value->get<double>() <= most))
    wrong(key, base::concatenate("a number from ", least, " to ", most));
  return value->get<double>();
}

std::optional<bool> truth_in(const base::Json& object, const std::string& key) {
  const base::Json* value = find(object, key);
  if (!value) return std::nullopt;
  if (!value->is_boolean()) wrong(key, "true or false");
  return value->get<bool>();
}

base::Json object_in(const base::Json& object, const std::string& key) {
  const base::Json* value = find(object, key);
  if (!value) return base::Json::object();
  if (!value->is_object()) wrong(key, "an object");
  return *value;
}

base::Json list_in(const base::Json& object, const std::string& key, std::size_t most) {
  const base::Json* value = find(object, key);
  if (!value) return base::Json::array();
  if (!value->is_array() || value->size() > most)
    wrong(key, "a list of at most " + std::to_string(most));
  return *value;
}

std::optional<std::string> uuid_in(const base::Json& object, const std::string& key) {
  std::optional<std::string> value = text_in(object, key, 64);
  if (!value) return std::nullopt;
  if (!base::is_uuid(*value)) wrong(key, "a UUID");
  for (char& c : *value) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return value;
}

}  // namespace serve
