#include "base/json.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <unordered_set>

#include <simdjson.h>

#include "base/files.h"
#include "base/format.h"

namespace base {
namespace {

constexpr int kMaxDepth = 64;
constexpr std::size_t kKeptParser = 1 << 20;

Json convert(const simdjson::dom::element& element, int depth, const std::string& where) {
  using simdjson::dom::element_type;
  if (depth > kMaxDepth) throw DataError(where, ": JSON nested deeper than ", kMaxDepth);
  switch (element.type()) {
    case element_type::OBJECT: {
      Json object = Json::object();
      auto& members = object.get_ref<Json::object_t&>();
      std::unordered_set<std::string_view> seen;
      const simdjson::dom::object source = element.get_object().value_unsafe();
      for (const auto& [key, value] : source) {
        if (!seen.insert(key).second)
          throw DataError(where, ": the key ", in_quotes(key), " appears twice in one object");
        // ordered_json's own insertion searches all earlier keys; the set above has done that.
        members.push_back({std::string(key), convert(value, depth + 1, where)});
      }
      return object;
    }
    case element_type::ARRAY: {
      Json array = Json::array();
      const simdjson::dom::array source = element.get_array().value_unsafe();
      for (const auto value : source) array.push_back(convert(value, depth + 1, where));
      return array;
    }
    case element_type::STRING:
      return std::string(element.get_string().value_unsafe());
    case element_type::INT64:
      return element.get_int64().value_unsafe();
    case element_type::UINT64:
      return element.get_uint64().value_unsafe();
    case element_type::DOUBLE:
      return element.get_double().value_unsafe();
    case element_type::BOOL:
      return element.get_bool().value_unsafe();
    case element_type::NULL_VALUE:
      return nullptr;
  }
  throw DataError(where, ": not JSON");
}

bool fits(std::string_view digits, bool negative) {
  std::uint64_t number = 0;
  const auto error = std::from_chars(digits.data(), digits.data() + digits.size(), number).ec;
  return error == std::errc() && (!negative || number <= std::uint64_t{1} << 63);
}

// The text with ".0" behind each whole number that fits no integer type, so that it is read as the
// nearest double: tokenizers of others say "no limit" by 1000000000000000019884624838656.
std::string with_wide_numbers(std::string_view text) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string out;
  bool in_text = false;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    if (text[at] == '"') {
      in_text = !in_text;
    } else if (in_text && text[at] == '\\') {
      end = std::min(at + 2, text.size());
    } else if (!in_text && is_digit(text[at])) {
      while (end < text.size() && is_digit(text[end])) ++end;
      const bool whole = at == 0 || (text[at - 1] != '.' && text[at - 1] != '+' &&
                                     std::tolower(text[at - 1]) != 'e');
      const bool ends = end == text.size() || (text[end] != '.' && std::tolower(text[end]) != 'e');
      const bool negative = at > 0 && text[at - 1] == '-';
      const bool exponent = negative && at > 1 && std::tolower(text[at - 2]) == 'e';
      const std::string_view digits = text.substr(at, end - at);
      out += digits;
      if (whole && ends && !exponent && !fits(digits, negative)) out += ".0";
      at = end;
      continue;
    }
    out += text.substr(at, end - at);
    at = end;
  }
  return out;
}

const char* explain(simdjson::error_code error) {
  switch (error) {
    case simdjson::UTF8_ERROR:
      return "not UTF-8";
    case simdjson::DEPTH_ERROR:
      return "JSON nested deeper than 64";
    case simdjson::EMPTY:
      return "empty, expected JSON";
    case simdjson::UNCLOSED_STRING:
      return "a text without its closing quote; was the file cut?";
    default:
      return simdjson::error_message(error);
  }
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  // A parser holds fourteen times the bytes of its longest text: one is kept for short ones only.
  thread_local simdjson::dom::parser kept;
  simdjson::dom::parser fresh;
  simdjson::dom::parser& parser = text.size() > kKeptParser ? fresh : kept;
  simdjson::dom::element root;
  auto error = parser.parse(text.data(), text.size()).get(root);
  if (error == simdjson::NUMBER_ERROR) {
    const std::string widened = with_wide_numbers(text);
    error = parser.parse(widened).get(root);
  }
  if (error) throw DataError(where, ": ", explain(error));
  return convert(root, 0, where);
}

Json read_json(const std::filesystem::path& path) {
  return parse_json(read_file(path), path.string());
}

void write_json(const std::filesystem::path& path, const Json& json) {
  write_file(path, json.dump(2) + "\n");
}

std::string schema(std::string_view kind, int version) {
  return concatenate("attune.", kind, "/", version);
}

int require_schema(const Json& object, std::string_view kind, int newest,
                   const std::string& where) {
  const auto found = require<std::string>(object, "schema", where);
  const std::string start = concatenate("attune.", kind, "/");
  if (found.rfind(start, 0) != 0)
    throw DataError(where, ": schema is \"", found, "\", expected \"", schema(kind, newest), "\"");
  const std::string digits = found.substr(start.size());
  if (digits.empty() || digits.size() > 6 ||
      digits.find_first_not_of("0123456789") != std::string::npos)
    throw DataError(where, ": schema is \"", found, "\", whose version is no number");
  const int version = std::stoi(digits);
  if (version < 1 || version > newest)
    throw DataError(where, ": schema is \"", found, "\", but this attune knows versions 1 to ",
                    newest, "; a newer attune wrote it");
  return version;
}

namespace detail {

void missing_key(const std::string& key, const std::string& where) {
  throw DataError(where, ": \"", key, "\" is missing");
}

void wrong_type(const Json& value, const std::string& key, const char* expected,
                const std::string& where) {
  std::string found = value.dump();
  if (found.size() > 60) found = found.substr(0, 57) + "...";
  throw DataError(where, ": \"", key, "\" is ", found, ", expected ", expected);
}

}  // namespace detail
}  // namespace base
