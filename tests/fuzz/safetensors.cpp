// Any bytes as a .safetensors file: refused, or read to a header that is written and read again as
// the same.
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "model/safetensors_header.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void read(std::string_view file) try {
  const model::SafetensorsHeader header = model::parse_safetensors_header(file, "x");
  std::uint64_t end = 0;
  for (const model::TensorEntry& entry : header.tensors) {
    require(entry.begin == end && entry.end >= entry.begin);
    end = entry.end;
  }
  require(header.data_begin + end == file.size());
  const std::string again =
      model::format_safetensors_header(header) + std::string(file.substr(header.data_begin));
  const model::SafetensorsHeader back = model::parse_safetensors_header(again, "x");
  require(back.metadata == header.metadata && back.tensors.size() == header.tensors.size());
  for (std::size_t i = 0; i < back.tensors.size(); ++i)
    require(back.tensors[i].name == header.tensors[i].name &&
            back.tensors[i].shape == header.tensors[i].shape &&
            back.tensors[i].type == header.tensors[i].type &&
            back.tensors[i].end == header.tensors[i].end);
} catch (const base::DataError&) {
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read(bytes);
  // The same with the right size in front of the text up to the first 0, which chance would seldom
  // find.
  const std::uint64_t header = std::min(bytes.find('\0'), bytes.size());
  std::string file(sizeof header, '\0');
  std::memcpy(file.data(), &header, sizeof header);
  file += bytes.substr(0, header);
  if (header < bytes.size()) file += bytes.substr(header + 1);
  read(file);
  return 0;
}
