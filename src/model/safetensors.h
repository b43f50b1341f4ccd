#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "model/parameters.h"

namespace model {

// Reads a .safetensors file: every tensor in its own type, with memory of its own. Every rule of
// the format is held: header size, duplicate names, holes, overlaps, sizes, the file's length.
// Throws base::DataError naming file and tensor.
TensorMap read_safetensors(const std::filesystem::path& path);

// Writes one, whole or not at all, with {"format": "pt"} and what `metadata` adds. Order as
// upstream's writer: wider types first, then by name. Throws base::ResourceError where the disk
// refuses.
void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace model
