#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/json.h"

namespace base {

// A struct's settings are listed once, in its `fields`:
//
//   struct SftSettings {
//     double learning_rate = 1e-3;
//     template <class F> void fields(F&& field) { field("learning_rate", learning_rate, "AdamW's
//     peak step size"); }
//   };
//
// A field is a value of one of the types below, or a struct with `fields` of its own. Files,
// overrides, help, the saved recipe and the errors all come from that list.
struct Setting {
  std::string path;  // "sft.learning_rate"
  std::string help;
  std::variant<bool*, int*, std::int64_t*, double*, std::string*, std::vector<std::string>*,
               std::vector<double>*, std::vector<int>*>
      target;
};

// The settings of `settings` in order; they point into it.
template <class S>
std::vector<Setting> list_settings(S& settings);

// Reads a TOML file into the settings it names. Throws UsageError with file and line where a key is
// unknown (the nearest known ones are suggested), of a wrong type or the file is not TOML;
// DataError where there is no such file, or where its `schema`, if it has one, is not
// attune.KIND/VERSION of up to `newest`.
void read_settings(const std::vector<Setting>& settings, const std::filesystem::path& file,
                   std::string_view kind, int newest);

// Applies "key.path=value". A list is written as TOML writes it; a text needs no quotes. Throws
// UsageError.
void override_setting(const std::vector<Setting>& settings, const std::string& assignment);

// The settings as TOML with their help as comments, complete: reading it gives the same settings.
std::string to_toml(const std::vector<Setting>& settings);

// The settings under a prefix ("sft") as one flat object, path to value: what a stage's results
// depend on.
Json to_json(const std::vector<Setting>& settings, const std::string& prefix = "");

// The nearest of `known` to a mistyped word, best first, at most three; none where nothing is near.
std::vector<std::string> nearest(const std::string& word, const std::vector<std::string>& known);

// ---- implementation of the template ----

namespace detail {
struct SettingLister {
  std::vector<Setting>& out;
  std::string prefix;
  template <class T>
  void operator()(const char* name, T& value, const char* help) {
    const std::string path = prefix.empty() ? name : prefix + "." + name;
    if constexpr (requires(SettingLister lister) { value.fields(lister); }) {
      value.fields(SettingLister{out, path});
    } else {
      out.push_back({path, help, &value});
    }
  }
};
}  // namespace detail

template <class S>
std::vector<Setting> list_settings(S& settings) {
  std::vector<Setting> out;
  settings.fields(detail::SettingLister{out, ""});
  return out;
}

}  // namespace base
