#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace model {

// The number types of the safetensors format, without those below a byte; in the order of the
// upstream writer, which puts the last first.
enum class ElementType {
  boolean,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  c64,
  f64,
  i64,
  u64
};

const char* element_name(ElementType type);  // "F32", as headers have it
std::optional<ElementType> element_type_of(std::string_view name);
std::uint64_t element_bytes(ElementType type);

struct TensorEntry {
  std::string name;
  ElementType type = ElementType::f32;
  std::vector<std::int64_t> shape;   // [] for a single number; at most 64 sizes, each from 0
  std::uint64_t begin = 0, end = 0;  // bytes, from the start of the data
};

struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;  // by place: the first begins at 0, each where the last ended
  std::map<std::string, std::string> metadata;
  std::uint64_t data_begin = 0;  // bytes, from the start of the file
};

// Reads the header of a whole .safetensors file and holds every rule of the format: the header's
// size, no name twice, texts only as metadata, sizes that fit shapes and types, no hole and no
// overlap, data to the file's last byte. `where` starts every message. Throws base::DataError.
SafetensorsHeader parse_safetensors_header(std::string_view file, const std::string& where);

// The bytes before the data, padded to eight: the size, then the header. Byte for byte the
// upstream writer's; of several metadata, which it has in no fixed order, by name. Throws
// base::Error(internal) where a name is not UTF-8 or the header is larger than the format allows.
std::string format_safetensors_header(const SafetensorsHeader& header);

}  // namespace model
