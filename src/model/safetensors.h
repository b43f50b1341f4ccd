#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "model/parameters.h"

namespace model {

// Reads a .safetensors file without copying it: every tensor in its own type, a view into one
// mapping of the file that lives as long as the last of them (base/mapped_file.h; the file may be
// replaced or removed meanwhile, but not changed in place). Writing into a tensor changes that
// tensor only, never the file. A tensor whose place in the file does not suit its type is a copy.
// Every rule of the format is held (model/safetensors_header.h). Throws base::DataError naming file
// and tensor.
TensorMap read_safetensors(const std::filesystem::path& path);

// Writes one, whole or not at all, with {"format": "pt"} and what `metadata` adds: byte for byte
// what upstream's writer makes of these tensors and {"format": "pt"}. Throws base::ResourceError
// where the disk refuses, base::Error(internal) where a tensor's type has no name in the format.
void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace model
