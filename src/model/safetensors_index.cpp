#include "model/safetensors_index.h"

#include <algorithm>
#include <cmath>

#include "base/format.h"
#include "base/json.h"

namespace model {
namespace {

bool is_plain_name(std::string_view name) {
  return name.ends_with(".safetensors") && name.size() <= 255 &&
         name.find("..") == std::string_view::npos && std::ranges::all_of(name, [](char c) {
           return static_cast<unsigned char>(c) >= ' ' && c != '/' && c != '\\' && c != 0x7f;
         });
}

// Some tools write it as 1.5e9, so any number that is whole will do.
std::optional<std::uint64_t> read_total_size(const base::Json& index, const std::string& where) {
  if (!index.contains("metadata") || index.at("metadata").is_null()) return std::nullopt;
  const base::Json& metadata = index.at("metadata");
  if (!metadata.is_object()) throw base::DataError(where, ": metadata is no JSON object");
  if (!metadata.contains("total_size")) return std::nullopt;
  const base::Json& size = metadata.at("total_size");
  if (size.is_number_float()) {
    const double value = size.get<double>();
    if (value >= 0 && value < 0x1p63 && value == std::floor(value))
      return static_cast<std::uint64_t>(value);
  } else if (size.is_number_unsigned() ||
             (size.is_number_integer() && size.get<std::int64_t>() >= 0)) {
    return size.get<std::uint64_t>();
  }
  throw base::DataError(where, ": total_size is ", base::in_quotes(size.dump()),
                        ", expected a whole number from 0");
}

}  // namespace

SafetensorsIndex parse_safetensors_index(std::string_view text, const std::string& where) {
  const base::Json json = base::parse_json(text, where);
  if (!json.is_object()) throw base::DataError(where, ": is no JSON object");
  if (!json.contains("weight_map")) throw base::DataError(where, ": weight_map is missing");
  const base::Json& weight_map = json.at("weight_map");
  if (!weight_map.is_object()) throw base::DataError(where, ": weight_map is no JSON object");
  if (weight_map.empty()) throw base::DataError(where, ": weight_map names no tensor");
  SafetensorsIndex index;
  for (const auto& [tensor, file] : weight_map.items()) {
    if (!file.is_string())
      throw base::DataError(where, ": weight_map: the file of tensor ", base::in_quotes(tensor),
                            " is no text");
    const auto& name = file.get_ref<const std::string&>();
    if (!is_plain_name(name))
      throw base::DataError(where, ": weight_map places tensor ", base::in_quotes(tensor), " in ",
                            base::in_quotes(name),
                            ", expected the name of a .safetensors file in the same folder");
    index.files.emplace(tensor, name);
  }
  index.total_size = read_total_size(json, where);
  return index;
}

std::string format_safetensors_index(const SafetensorsIndex& index) {
  base::Json json = {{"metadata", base::Json::object()}, {"weight_map", index.files}};
  if (index.total_size) json["metadata"]["total_size"] = *index.total_size;
  return json.dump(2) + "\n";
}

}  // namespace model
