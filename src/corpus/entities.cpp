#include "corpus/entities.h"

#include <algorithm>
#include <charconv>

#include "base/json.h"

namespace corpus {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "%3F" as "?". What is no code of two hexadecimal digits stays.
std::string decode_percent(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    const char* digits = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2) {
      out += static_cast<char>(code);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

Entities::Entities(const std::filesystem::path& file) {
  const base::Json json = base::read_json(file);
  if (!json.is_object()) throw base::DataError(file, ": expected an object {name: number}");
  for (const auto& [name, value] : json.items()) {
    if (!value.is_number_integer())
      throw base::DataError(file, ": \"", name, "\" is ", value.dump(), ", expected a number");
    const int id = base::detail::convert<int>(value, name, file.string());
    ids_.emplace(name, id);
    const auto [first, is_new] = names_.emplace(id, name);
    if (!is_new)
      throw base::DataError(file, ": the number ", id, " is given to \"", first->second,
                            "\" and to \"", name, "\"");
  }
}

std::optional<int> Entities::find(const std::string& name) const {
  const auto found = ids_.find(name);
  return found == ids_.end() ? std::nullopt : std::optional<int>(found->second);
}

const std::string* Entities::name(int id) const {
  const auto found = names_.find(id);
  return found == names_.end() ? nullptr : &found->second;
}

std::vector<std::string> Entities::names() const {
  std::vector<std::string> names;
  for (const auto& [id, name] : names_) names.push_back(name);
  return names;
}

std::string last_part(const std::string& uri) {
  const std::size_t begin = uri.starts_with('<') ? 1 : 0;
  if (uri.compare(begin, 4, "http") != 0) return uri;
  const std::size_t resource = uri.find("/resource/");
  const std::size_t from = resource == std::string::npos
                               ? uri.rfind('/') + 1
                               : resource + std::string("/resource/").size();
  const std::size_t end = uri.back() == '>' ? uri.size() - 1 : uri.size();
  return uri.substr(from, end - from);
}

std::string readable_name(const std::string& uri) {
  std::string name = last_part(uri);
  if (const std::size_t function = name.find("__PersonFunction"); function != std::string::npos)
    name.resize(function);
  name = decode_percent(name);
  std::replace(name.begin(), name.end(), '_', ' ');
  const std::size_t bracket = name.rfind(" (");
  if (bracket != std::string::npos && bracket > 0 && name.back() == ')') name.resize(bracket);
  return name;
}

std::optional<int> year_in_brackets(const std::string& title) {
  const std::size_t bracket = title.rfind('(');
  if (bracket == std::string::npos || title.back() != ')' || bracket + 6 > title.size())
    return std::nullopt;
  const std::string digits = title.substr(bracket + 1, 4);
  const char after = title[bracket + 5];
  if (!std::all_of(digits.begin(), digits.end(), is_digit) || is_digit(after)) return std::nullopt;
  return std::stoi(digits);
}

}  // namespace corpus
