#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace reward {

// What a slow function made of texts, kept in a file, so that nobody pays twice. One file a
// function: whoever names it (a hash of the model will do) says that equal texts have equal values.
// One thread; several processes may share the file.
class ContentCache {
 public:
  // Each text has `width` values. An empty path keeps them in memory only. Records of the file that
  // were cut or damaged count as missing. Throws base::ResourceError where the folder cannot be
  // made.
  ContentCache(std::filesystem::path file, std::size_t width);

  std::optional<std::span<const float>> find(std::string_view text) const;

  // Adds them in memory; save() appends what was added since to the file. Throws
  // base::ResourceError.
  void add(std::string_view text, std::span<const float> values);
  void save();

 private:
  std::filesystem::path file_;
  std::size_t width_;
  std::unordered_map<std::string, std::vector<float>> values_;  // by the text's hash
  std::string added_;                                           // records to append
};

// Where caches lie: $ATTUNE_CACHE, else $XDG_CACHE_HOME/attune, else ~/.cache/attune; empty where
// there is no home.
std::filesystem::path cache_folder();

}  // namespace reward
