#pragma once

#include <filesystem>
#include <string>

#include "base/json.h"

namespace base {

// A folder's manifest.json: the SHA-256 of every other file in it (below it too), and `about`, what
// made it. It is written last, so a folder that has one is whole.
void write_manifest(const std::filesystem::path& folder, const Json& about);

// True where the folder has a manifest.
bool has_manifest(const std::filesystem::path& folder);

// Reads `about` back. Throws DataError where there is no manifest or it is damaged.
Json read_manifest(const std::filesystem::path& folder);

// Compares every listed file with its sum, then returns `about`. Throws DataError naming the file
// that is missing or damaged.
Json verify_manifest(const std::filesystem::path& folder);

}  // namespace base
