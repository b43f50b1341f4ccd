#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace model {

// model.safetensors.index.json: which file of the folder holds which tensor.
struct SafetensorsIndex {
  std::map<std::string, std::string> files;  // tensor -> "model-00001-of-00003.safetensors"
  std::optional<std::uint64_t> total_size;   // bytes of all tensors
};

// A file's name is refused where it is not a plain *.safetensors name, so that no index leads out
// of its folder. `where` starts every message. Throws base::DataError.
SafetensorsIndex parse_safetensors_index(std::string_view text, const std::string& where);

// As transformers writes it.
std::string format_safetensors_index(const SafetensorsIndex& index);

}  // namespace model
