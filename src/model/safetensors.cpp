#include "model/safetensors.h"

#include <algorithm>
#include <cstring>
#include <fstream>

#include "base/files.h"
#include "base/json.h"

namespace model {
namespace {

constexpr std::uint64_t kMaxHeader = 100'000'000;  // the format's own limit

struct TypeName {
  const char* name;
  torch::Dtype type;
};
constexpr TypeName kTypes[] = {{"F64", torch::kFloat64}, {"F32", torch::kFloat32},
                               {"F16", torch::kFloat16}, {"BF16", torch::kBFloat16},
                               {"I64", torch::kInt64},   {"I32", torch::kInt32},
                               {"I16", torch::kInt16},   {"I8", torch::kInt8},
                               {"U8", torch::kUInt8},    {"BOOL", torch::kBool}};

torch::Dtype type_of(const std::string& name, const std::string& where) {
  for (const TypeName& known : kTypes)
    if (name == known.name) return known.type;
  throw base::DataError(where, ": dtype \"", name, "\" is not supported");
}

const char* name_of(torch::Dtype type) {
  for (const TypeName& known : kTypes)
    if (type == known.type) return known.name;
  base::check(false, "safetensors: no name for this type");
  return "";
}

struct Entry {
  std::string name;
  torch::Dtype type;
  std::vector<std::int64_t> shape;
  std::uint64_t begin, end;
};

Entry read_entry(const std::string& name, const base::Json& value, const std::string& file) {
  const std::string where = file + ": tensor " + name;
  Entry entry{name, type_of(base::require<std::string>(value, "dtype", where), where), {}, 0, 0};
  const auto shape = base::require<std::vector<std::uint64_t>>(value, "shape", where);
  const auto offsets = base::require<std::vector<std::uint64_t>>(value, "data_offsets", where);
  for (const base::Json& number : value.at("shape"))
    if (!number.is_number_unsigned() &&
        !(number.is_number_integer() && number.get<std::int64_t>() >= 0))
      throw base::DataError(where, ": shape holds ", number.dump(),
                            ", expected whole numbers from 0");
  if (offsets.size() != 2 || offsets[0] > offsets[1])
    throw base::DataError(where, ": data_offsets is ", value.at("data_offsets").dump(),
                          ", expected [begin, end]");
  std::uint64_t bytes = torch::elementSize(entry.type);
  for (std::uint64_t size : shape) {
    if (__builtin_mul_overflow(bytes, size, &bytes) || size > INT64_MAX)
      throw base::DataError(where, ": a shape of more bytes than there can be");
    entry.shape.push_back(static_cast<std::int64_t>(size));
  }
  entry.begin = offsets[0];
  entry.end = offsets[1];
  if (entry.end - entry.begin != bytes)
    throw base::DataError(where, ": ", entry.end - entry.begin,
                          " bytes, but its shape and dtype need ", bytes);
  return entry;
}

std::vector<Entry> read_entries(const base::Json& header, const std::string& file) {
  if (!header.is_object()) throw base::DataError(file, ": the header is no JSON object");
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      for (const auto& [key, text] : value.items())
        if (!text.is_string())
          throw base::DataError(file, ": __metadata__ \"", key, "\" is no text");
      continue;
    }
    entries.push_back(read_entry(name, value, file));
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::uint64_t expected = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != expected)
      throw base::DataError(file, ": tensor ", entry.name, " begins at byte ", entry.begin,
                            ", expected ", expected, ": the data has a hole or an overlap");
    expected = entry.end;
  }
  return entries;
}

}  // namespace

TensorMap read_safetensors(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw base::DataError(path, ": cannot be read");
  std::error_code error;
  const std::uint64_t file_size = std::filesystem::file_size(path, error);
  std::uint64_t header_size = 0;
  if (error || file_size < 8 || !file.read(reinterpret_cast<char*>(&header_size), 8))
    throw base::DataError(path, ": ", file_size, " bytes, too short for a safetensors file");
  if (header_size > kMaxHeader || header_size > file_size - 8)
    throw base::DataError(path, ": the header claims ", header_size, " bytes of a file of ",
                          file_size, "; it is cut or no safetensors file");
  std::string header(header_size, '\0');
  file.read(header.data(), static_cast<std::streamsize>(header_size));
  if (header.empty() || header[0] != '{')
    throw base::DataError(path, ": the header does not begin with {");
  const std::vector<Entry> entries =
      read_entries(base::parse_json(header, path.string()), path.string());
  const std::uint64_t data_size = entries.empty() ? 0 : entries.back().end;
  if (data_size != file_size - 8 - header_size)
    throw base::DataError(path, ": holds ", file_size - 8 - header_size,
                          " bytes of tensors, but its header needs ", data_size,
                          "; it is cut or damaged");
  TensorMap tensors;
  for (const Entry& entry : entries) {
    torch::Tensor tensor = torch::empty(entry.shape, torch::TensorOptions().dtype(entry.type));
    file.read(static_cast<char*>(tensor.data_ptr()),
              static_cast<std::streamsize>(entry.end - entry.begin));
    tensors[entry.name] = tensor;
  }
  if (!file) throw base::DataError(path, ": cannot be read to its end");
  return tensors;
}

void write_safetensors(const std::filesystem::path& path, const TensorMap& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<std::pair<std::string, torch::Tensor>> ordered;
  for (const auto& [name, tensor] : tensors)
    ordered.emplace_back(name, tensor.detach().contiguous());
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return a.second.element_size() > b.second.element_size();  // then by name, as the map has them
  });
  base::Json header = base::Json::object();
  header["__metadata__"] = {{"format", "pt"}};
  for (const auto& [key, value] : metadata) header["__metadata__"][key] = value;
  std::uint64_t offset = 0;
  for (const auto& [name, tensor] : ordered) {
    header[name] = {{"dtype", name_of(tensor.scalar_type())},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, offset + tensor.nbytes()}}};
    offset += tensor.nbytes();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t size = text.size();
  base::FileWriter writer(path);
  writer.write({reinterpret_cast<const char*>(&size), 8});
  writer.write(text);
  for (const auto& [name, tensor] : ordered)
    writer.write(
        {static_cast<const char*>(tensor.data_ptr()), static_cast<std::size_t>(tensor.nbytes())});
  writer.commit();
}

}  // namespace model
