// Any text as model.safetensors.index.json: refused, or read to file names that stay in the folder.
#include "model/safetensors_index.h"

#include <cstdlib>

#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  try {
    const auto index = model::parse_safetensors_index(
        std::string_view(reinterpret_cast<const char*>(data), size), "x");
    for (const auto& [tensor, file] : index.files)
      if (file.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos ||
          file.find("..") != std::string::npos || file.empty())
        std::abort();
    const auto back =
        model::parse_safetensors_index(model::format_safetensors_index(index), "again");
    if (back.files != index.files || back.total_size != index.total_size) std::abort();
  } catch (const base::DataError&) {
  }
  return 0;
}
