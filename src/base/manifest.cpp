#include "base/manifest.h"

#include <algorithm>
#include <vector>

#include "base/files.h"
#include "base/hash.h"

namespace base {
namespace fs = std::filesystem;
namespace {

constexpr int kVersion = 1;

fs::path manifest_path(const fs::path& folder) { return folder / "manifest.json"; }

std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).generic_string();
    const std::string file = entry.path().filename().string();
    if (!entry.is_regular_file() || name == "manifest.json" || file == ".lock" ||
        file.ends_with(".partial"))
      continue;
    names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Json read_whole(const fs::path& folder) {
  const fs::path path = manifest_path(folder);
  if (!fs::exists(path))
    throw DataError(folder, ": has no manifest.json, so it was not finished; make it anew");
  Json manifest = read_json(path);
  require_schema(manifest, "manifest", kVersion, path.string());
  return manifest;
}

}  // namespace

void write_manifest(const fs::path& folder, const Json& about) {
  Json files = Json::object();
  for (const std::string& name : files_below(folder)) files[name] = sha256_file(folder / name);
  write_json(manifest_path(folder),
             {{"schema", schema("manifest", kVersion)}, {"about", about}, {"files", files}});
}

bool has_manifest(const fs::path& folder) { return fs::exists(manifest_path(folder)); }

Json read_manifest(const fs::path& folder) {
  return require<Json>(read_whole(folder), "about", manifest_path(folder).string());
}

Json verify_manifest(const fs::path& folder) {
  const Json manifest = read_whole(folder);
  const std::string where = manifest_path(folder).string();
  const Json files = require<Json>(manifest, "files", where);
  if (!files.is_object()) throw DataError(where, ": \"files\" is no object");
  for (const auto& [name, sum] : files.items()) {
    const fs::path path = folder / name;
    if (name.find("..") != std::string::npos || fs::path(name).is_absolute())
      throw DataError(where, ": names a file outside its folder: ", name);
    if (!fs::exists(path))
      throw DataError(path, ": listed in manifest.json but missing; make the folder anew");
    if (!sum.is_string() || sha256_file(path) != sum.get<std::string>())
      throw DataError(
          path,
          ": differs from its SHA-256 in manifest.json: damaged or edited; make the folder anew");
  }
  return require<Json>(manifest, "about", where);
}

}  // namespace base
