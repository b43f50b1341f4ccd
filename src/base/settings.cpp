#include "base/settings.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/error.h"
#include "base/files.h"

namespace base {
namespace {

// toml++ 3.3 recurses over dotted keys without a limit; both caps come before it sees the text.
constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr int kMaxDots = 32;

// The end of the text in quotes that begins at `begin`, one past its closing quote.
std::size_t skip_quoted(const std::string& text, std::size_t begin) {
  const char quote = text[begin];
  const std::string three(3, quote);
  const bool long_text = text.compare(begin, 3, three) == 0;
  const std::string closing = long_text ? three : std::string(1, quote);
  for (std::size_t i = begin + closing.size(); i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"')
      ++i;
    else if (text.compare(i, closing.size(), closing) == 0)
      return i + closing.size();
    else if (text[i] == '\n' && !long_text)
      return i;
  }
  return text.size();
}

void check_size(const std::string& text, const std::string& where) {
  if (text.size() > kMaxFileBytes)
    throw UsageError(where, ": larger than 1 MiB, which no recipe is");
  int line = 1, dots = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      const std::size_t end = skip_quoted(text, i);
      line += static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(i),
                                          text.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
      i = end - 1;
      continue;
    }
    if (c == '#') i = std::min(text.find('\n', i), text.size());
    if (i == text.size()) break;
    if (text[i] == '\n') ++line;
    if (std::string_view("\n,={}[]").find(text[i]) != std::string_view::npos) dots = 0;
    if (text[i] == '.' && ++dots >= kMaxDots)
      throw UsageError(where, ":", line, ": a key of more than ", kMaxDots, " parts");
  }
}

const Setting* find(const std::vector<Setting>& settings, const std::string& path) {
  for (const Setting& setting : settings)
    if (setting.path == path) return &setting;
  return nullptr;
}

[[noreturn]] void unknown_key(const std::vector<Setting>& settings, const std::string& path,
                              const std::string& where) {
  std::vector<std::string> known;
  for (const Setting& setting : settings) known.push_back(setting.path);
  std::string message = where + ": unknown setting " + path;
  const std::vector<std::string> near = nearest(path, known);
  for (std::size_t i = 0; i < near.size(); ++i)
    message += (i ? " or " : "; did you mean ") + near[i];
  throw UsageError(message,
                   near.empty() ? "; `attune run RECIPE --dry-run` prints all settings" : "?");
}

const char* expected(const bool&) { return "true or false"; }
const char* expected(const int&) { return "a whole number"; }
const char* expected(const std::int64_t&) { return "a whole number"; }
const char* expected(const double&) { return "a finite number"; }
const char* expected(const std::string&) { return "a text"; }
const char* expected(const std::vector<std::string>&) { return "a list of texts"; }
const char* expected(const std::vector<double>&) { return "a list of finite numbers"; }
const char* expected(const std::vector<int>&) { return "a list of whole numbers"; }

// Each puts a TOML value into a target and says whether it had the right type.
bool assign(bool& to, const toml::node& from) {
  const auto* value = from.as_boolean();
  return value ? (to = value->get(), true) : false;
}
bool assign(std::int64_t& to, const toml::node& from) {
  const auto* value = from.as_integer();
  return value ? (to = value->get(), true) : false;
}
bool assign(int& to, const toml::node& from) {
  std::int64_t wide = 0;
  if (!assign(wide, from) || wide != static_cast<int>(wide)) return false;
  to = static_cast<int>(wide);
  return true;
}
bool assign(double& to, const toml::node& from) {
  if (!from.is_number() || !std::isfinite(*from.value<double>())) return false;
  to = *from.value<double>();
  return true;
}
bool assign(std::string& to, const toml::node& from) {
  const auto* value = from.as_string();
  return value ? (to = value->get(), true) : false;
}
template <class T>
bool assign(std::vector<T>& to, const toml::node& from) {
  const auto* array = from.as_array();
  if (!array) return false;
  std::vector<T> values(array->size());
  for (std::size_t i = 0; i < array->size(); ++i)
    if (!assign(values[i], *array->get(i))) return false;
  to = std::move(values);
  return true;
}

void assign_setting(const Setting& setting, const toml::node& value, const std::string& where) {
  std::visit(
      [&](auto* target) {
        if (assign(*target, value)) return;
        std::ostringstream found;
        value.visit([&](const auto& node) { found << toml::node_view<const toml::node>(node); });
        std::string shown = found.str();
        if (shown.size() > 60) shown = shown.substr(0, 57) + "...";
        throw UsageError(where, ": ", setting.path, " is ", shown, ", expected ", expected(*target),
                         " (", setting.help, ")");
      },
      setting.target);
}

void assign_table(const std::vector<Setting>& settings, const toml::table& table,
                  const std::string& prefix, const std::string& file) {
  for (const auto& [key, value] : table) {
    const std::string path =
        prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
    const std::string where = concatenate(file, ":", key.source().begin.line);
    if (const Setting* setting = find(settings, path)) {
      assign_setting(*setting, value, where);
    } else if (const auto* inner = value.as_table()) {
      const bool known = std::any_of(settings.begin(), settings.end(), [&](const Setting& s) {
        return s.path.rfind(path + ".", 0) == 0;
      });
      if (!known) unknown_key(settings, path, where);
      assign_table(settings, *inner, path, file);
    } else {
      unknown_key(settings, path, where);
    }
  }
}

std::string quote(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}
std::string format_value(bool value) { return value ? "true" : "false"; }
std::string format_value(int value) { return std::to_string(value); }
std::string format_value(std::int64_t value) { return std::to_string(value); }
std::string format_value(double value) {
  std::string text = fmt::format("{}", value);
  const bool whole = text.find_first_of(".ein") == std::string::npos;
  return whole ? text + ".0" : text;
}
std::string format_value(const std::string& value) { return quote(value); }
template <class T>
std::string format_value(const std::vector<T>& values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i ? ", " : "") + format_value(values[i]);
  return text + "]";
}

int edit_distance(const std::string& a, const std::string& b) {
  std::vector<int> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int substituted = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

std::string last_part(const std::string& path) { return path.substr(path.rfind('.') + 1); }

}  // namespace

void read_settings(const std::vector<Setting>& settings, const std::filesystem::path& file,
                   std::string_view kind, int newest) {
  const std::string text = read_file(file);
  check_size(text, file.string());
  toml::table table;
  try {
    table = toml::parse(text, file.string());
  } catch (const toml::parse_error& error) {
    throw UsageError(file.string(), ":", error.source().begin.line, ": ", error.description());
  }
  // Before anything else: a newer file has keys that are not known here.
  if (const auto schema = table["schema"].value<std::string>())
    require_schema({{"schema", *schema}}, kind, newest, file.string());
  assign_table(settings, table, "", file.string());
}

void override_setting(const std::vector<Setting>& settings, const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UsageError("\"", assignment, "\" is no setting; write key.path=value");
  const std::string path = assignment.substr(0, equals), value = assignment.substr(equals + 1);
  const std::string where = "command line";
  const Setting* setting = find(settings, path);
  if (!setting) unknown_key(settings, path, where);
  if (std::holds_alternative<std::string*>(setting->target)) {
    const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                        value.back() == value.front();
    *std::get<std::string*>(setting->target) = quoted ? value.substr(1, value.size() - 2) : value;
    return;
  }
  check_size("v = " + value, where);
  try {
    const toml::table table = toml::parse("v = " + value);
    assign_setting(*setting, *table.get("v"), where);
  } catch (const toml::parse_error&) {
    std::visit(
        [&](auto* target) {
          throw UsageError(where, ": ", path, " is \"", value, "\", expected ", expected(*target));
        },
        setting->target);
  }
}

std::string to_toml(const std::vector<Setting>& settings) {
  // Values directly under the root come before the first table.
  std::vector<std::string> tables;
  std::map<std::string, std::string> bodies;
  for (const Setting& setting : settings) {
    const std::size_t dot = setting.path.rfind('.');
    const std::string table = dot == std::string::npos ? "" : setting.path.substr(0, dot);
    if (!bodies.count(table)) tables.push_back(table);
    const std::string value =
        std::visit([](auto* target) { return format_value(*target); }, setting.target);
    bodies[table] += fmt::format("{} = {}  # {}\n", last_part(setting.path), value, setting.help);
  }
  std::stable_sort(tables.begin(), tables.end(), [](const std::string& a, const std::string& b) {
    return a.empty() && !b.empty();
  });
  std::string text;
  for (const std::string& table : tables) {
    if (!text.empty()) text += "\n";
    if (!table.empty()) text += "[" + table + "]\n";
    text += bodies[table];
  }
  return text;
}

Json to_json(const std::vector<Setting>& settings, const std::string& prefix) {
  Json json = Json::object();
  for (const Setting& setting : settings) {
    if (!prefix.empty() && setting.path != prefix && setting.path.rfind(prefix + ".", 0) != 0)
      continue;
    json[setting.path] = std::visit([](auto* target) { return Json(*target); }, setting.target);
  }
  return json;
}

std::vector<std::string> nearest(const std::string& word, const std::vector<std::string>& known) {
  std::vector<std::pair<int, std::string>> ranked;
  for (const std::string& candidate : known) {
    // The right name under a wrong table is near too.
    const int distance = std::min(edit_distance(word, candidate),
                                  1 + edit_distance(last_part(word), last_part(candidate)));
    if (distance <= std::max<int>(2, static_cast<int>(last_part(word).size()) / 3))
      ranked.emplace_back(distance, candidate);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  for (const auto& [distance, candidate] : ranked)
    if (out.size() < 3) out.push_back(candidate);
  return out;
}

}  // namespace base
