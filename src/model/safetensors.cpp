#include "model/safetensors.h"

#include <algorithm>
#include <memory>

#include "base/error.h"
#include "base/files.h"
#include "base/mapped_file.h"
#include "model/safetensors_header.h"

namespace model {
namespace {

struct TypePair {
  ElementType element;
  torch::Dtype torch;
};
constexpr TypePair kTypes[] = {{ElementType::boolean, torch::kBool},
                               {ElementType::u8, torch::kUInt8},
                               {ElementType::i8, torch::kInt8},
                               {ElementType::f8_e5m2, torch::kFloat8_e5m2},
                               {ElementType::f8_e4m3, torch::kFloat8_e4m3fn},
                               {ElementType::f8_e8m0, torch::kFloat8_e8m0fnu},
                               {ElementType::f8_e4m3fnuz, torch::kFloat8_e4m3fnuz},
                               {ElementType::f8_e5m2fnuz, torch::kFloat8_e5m2fnuz},
                               {ElementType::i16, torch::kInt16},
                               {ElementType::u16, torch::kUInt16},
                               {ElementType::f16, torch::kFloat16},
                               {ElementType::bf16, torch::kBFloat16},
                               {ElementType::i32, torch::kInt32},
                               {ElementType::u32, torch::kUInt32},
                               {ElementType::f32, torch::kFloat32},
                               {ElementType::c64, torch::kComplexFloat},
                               {ElementType::f64, torch::kFloat64},
                               {ElementType::i64, torch::kInt64},
                               {ElementType::u64, torch::kUInt64}};

torch::Dtype torch_type(ElementType type) {
  return kTypes[static_cast<std::size_t>(type)].torch;  // in the order of the enumerators
}

ElementType element_type(torch::Dtype type, const std::string& name) {
  for (const TypePair& pair : kTypes)
    if (type == pair.torch) return pair.element;
  throw base::Error(base::ErrorKind::internal,
                    base::concatenate("safetensors: tensor ", name, " is ", type,
                                      ", which the format has no name for"));
}

torch::Tensor view(const std::shared_ptr<base::MappedFile>& file, std::uint64_t data_begin,
                   const TensorEntry& entry) {
  const auto options = torch::TensorOptions().dtype(torch_type(entry.type));
  if (entry.begin == entry.end) return torch::empty(entry.shape, options);
  char* begin = file->data() + data_begin + entry.begin;
  const bool aligned = reinterpret_cast<std::uintptr_t>(begin) % element_bytes(entry.type) == 0;
  if (aligned)
    return torch::from_blob(
        begin, entry.shape, [file](void*) {}, options);
  torch::Tensor copy = torch::empty(entry.shape, options);
  std::copy(begin, begin + (entry.end - entry.begin), static_cast<char*>(copy.data_ptr()));
  return copy;
}

}  // namespace

TensorMap read_safetensors(const std::filesystem::path& path) {
  const auto file = std::make_shared<base::MappedFile>(path);
  const SafetensorsHeader header = parse_safetensors_header(file->bytes(), path.string());
  TensorMap tensors;
  for (const TensorEntry& entry : header.tensors)
    tensors.emplace(entry.name, view(file, header.data_begin, entry));
  return tensors;
}

void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata) {
  SafetensorsHeader header;
  header.metadata = metadata;
  header.metadata.emplace("format", "pt");
  for (const auto& [name, tensor] : tensors)
    header.tensors.push_back({name, element_type(tensor.scalar_type(), name), tensor.sizes().vec(),
                              0, static_cast<std::uint64_t>(tensor.nbytes())});
  std::stable_sort(header.tensors.begin(), header.tensors.end(),
                   [](const TensorEntry& a, const TensorEntry& b) {
                     return a.type > b.type;  // then by name, as the map has them
                   });
  std::uint64_t offset = 0;
  for (TensorEntry& entry : header.tensors) {
    entry.begin = offset;
    offset = entry.end += offset;
  }
  base::FileWriter writer(path);
  writer.write(format_safetensors_header(header));
  for (const TensorEntry& entry : header.tensors) {
    const torch::Tensor tensor = tensors.at(entry.name).detach().cpu().contiguous();
    writer.write(
        {static_cast<const char*>(tensor.data_ptr()), static_cast<std::size_t>(tensor.nbytes())});
  }
  writer.commit();
}

}  // namespace model
