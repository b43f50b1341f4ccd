#include "model/weights.h"

#include <cstdio>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/format.h"
#include "model/safetensors.h"
#include "model/safetensors_index.h"

namespace model {
namespace fs = std::filesystem;
namespace {

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

// Adds a file's tensors, each of which the index must place in this file.
void add_file(TensorMap& to, const fs::path& path, const SafetensorsIndex& index) {
  const std::string file = path.filename().string();
  for (auto& [name, tensor] : read_safetensors(path)) {
    const auto placed = index.files.find(name);
    if (placed == index.files.end())
      throw base::DataError(path, ": holds a tensor ", base::in_quotes(name),
                            " that the index does not name");
    if (placed->second != file)
      throw base::DataError(path, ": holds the tensor ", base::in_quotes(name),
                            ", which the index places in ", placed->second);
    to.emplace(name, tensor);
  }
}

std::uint64_t bytes_of(const TensorMap& tensors) {
  std::uint64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) bytes += static_cast<std::uint64_t>(tensor.nbytes());
  return bytes;
}

// In the order of names, a new file wherever the next tensor would not fit.
std::vector<TensorMap> cut(const TensorMap& tensors, std::uint64_t file_bytes) {
  std::vector<TensorMap> parts(1);
  std::uint64_t filled = 0;
  for (const auto& [name, tensor] : tensors) {
    const auto bytes = static_cast<std::uint64_t>(tensor.nbytes());
    if (!parts.back().empty() && filled + bytes > file_bytes) {
      parts.emplace_back();
      filled = 0;
    }
    parts.back().emplace(name, tensor);
    filled += bytes;
  }
  return parts;
}

std::string part_name(std::size_t part, std::size_t parts) {
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", part, parts);
  return name;
}

void remove_file(const fs::path& path) {
  std::error_code error;
  fs::remove(path, error);
  if (error) throw base::ResourceError(path.string(), ": cannot be removed: ", error.message());
}

}  // namespace

TensorMap read_sharded(const fs::path& index_path) {
  const SafetensorsIndex index =
      parse_safetensors_index(base::read_file(index_path), index_path.string());
  std::set<std::string> files;
  for (const auto& [name, file] : index.files) files.insert(file);
  TensorMap tensors;
  for (const std::string& file : files) {
    const fs::path path = index_path.parent_path() / file;
    if (!fs::exists(path))
      throw base::DataError(index_path, ": names ", file, ", which is not there");
    add_file(tensors, path, index);
  }
  for (const auto& [name, file] : index.files)
    if (!tensors.contains(name))
      throw base::DataError(index_path, ": places the tensor ", base::in_quotes(name), " in ", file,
                            ", which does not hold it");
  const std::uint64_t bytes = bytes_of(tensors);
  if (index.total_size && *index.total_size != bytes)
    throw base::DataError(index_path, ": total_size is ", *index.total_size,
                          ", but the tensors have ", bytes, " bytes");
  return tensors;
}

StoredWeights read_weights(const fs::path& folder) {
  if (fs::exists(folder / kSingle)) return {read_safetensors(folder / kSingle), folder / kSingle};
  if (fs::exists(folder / kIndex)) return {read_sharded(folder / kIndex), folder / kIndex};
  for (const char* pickle : {"pytorch_model.bin", "pytorch_model.bin.index.json"})
    if (fs::exists(folder / pickle))
      throw base::DataError(folder / pickle,
                            ": pickled weights are not read, since reading them can run code; "
                            "convert them once, where transformers is installed:\n  python3 -c "
                            "\"from transformers import AutoModelForCausalLM as M; M"
                            ".from_pretrained('.').save_pretrained('.')\"");
  throw base::DataError(folder, ": holds no weights, expected ", kSingle, " or ", kIndex);
}

void write_weights(const fs::path& folder, const TensorMap& tensors, std::uint64_t file_bytes) {
  base::create_folder(folder);
  const std::vector<TensorMap> parts = cut(tensors, file_bytes);
  if (parts.size() == 1) {
    write_safetensors(folder / kSingle, tensors);
    remove_file(folder / kIndex);
    return;
  }
  SafetensorsIndex index;
  index.total_size = bytes_of(tensors);
  for (std::size_t part = 0; part < parts.size(); ++part) {
    const std::string file = part_name(part + 1, parts.size());
    write_safetensors(folder / file, parts[part]);
    for (const auto& [name, tensor] : parts[part]) index.files.emplace(name, file);
  }
  base::write_file(folder / kIndex, format_safetensors_index(index));
  remove_file(folder / kSingle);
}

}  // namespace model
