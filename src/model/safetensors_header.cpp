#include "model/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <unordered_set>

#include <simdjson.h>

#include "base/error.h"
#include "base/format.h"
#include "base/json.h"

namespace model {
namespace {

namespace dom = simdjson::dom;

constexpr std::uint64_t kMaxHeader = 100'000'000;  // the format's own limit
constexpr std::size_t kMaxSizes = 64;              // as many as libtorch's own loops take
constexpr std::size_t kMaxDepth = 64;

struct ElementFacts {
  const char* name;
  std::uint64_t bytes;
};
constexpr ElementFacts kElements[] = {
    {"BOOL", 1},    {"U8", 1},          {"I8", 1},          {"F8_E5M2", 1}, {"F8_E4M3", 1},
    {"F8_E8M0", 1}, {"F8_E4M3FNUZ", 1}, {"F8_E5M2FNUZ", 1}, {"I16", 2},     {"U16", 2},
    {"F16", 2},     {"BF16", 2},        {"I32", 4},         {"U32", 4},     {"F32", 4},
    {"C64", 8},     {"F64", 8},         {"I64", 8},         {"U64", 8}};

const ElementFacts& facts(ElementType type) { return kElements[static_cast<std::size_t>(type)]; }

// The members of an object, no name twice.
std::vector<std::pair<std::string_view, dom::element>> members_of(const dom::element& value,
                                                                  const std::string& where) {
  dom::object object;
  if (value.get(object)) throw base::DataError(where, " is no JSON object");
  std::vector<std::pair<std::string_view, dom::element>> members;
  std::unordered_set<std::string_view> seen;
  for (const auto& [key, member] : object) {
    if (!seen.insert(key).second)
      throw base::DataError(where, ": the key ", base::in_quotes(key), " appears twice");
    members.emplace_back(key, member);
  }
  return members;
}

std::uint64_t whole_number(const dom::element& value, const char* key, const std::string& where) {
  std::uint64_t number = 0;
  if (value.get(number))
    throw base::DataError(where, ": ", key, " holds ", base::in_quotes(simdjson::minify(value)),
                          ", expected whole numbers from 0");
  return number;
}

std::vector<std::uint64_t> whole_numbers(const dom::element& value, const char* key,
                                         const std::string& where) {
  dom::array list;
  if (value.get(list)) throw base::DataError(where, ": ", key, " is no list");
  std::vector<std::uint64_t> numbers;
  for (const dom::element number : list) numbers.push_back(whole_number(number, key, where));
  return numbers;
}

ElementType read_type(const dom::element& value, const std::string& where) {
  std::string_view name;
  if (value.get(name)) throw base::DataError(where, ": dtype is no text");
  const auto type = element_type_of(name);
  if (!type) throw base::DataError(where, ": dtype ", base::in_quotes(name), " is not supported");
  return *type;
}

// The bytes that a shape needs. A size of 0 must not hide an overflow of the others, as strides are
// products of them.
std::uint64_t bytes_of(const std::vector<std::uint64_t>& shape, ElementType type,
                       const std::string& where) {
  std::int64_t bytes = static_cast<std::int64_t>(element_bytes(type));
  bool empty = false;
  for (const std::uint64_t size : shape) {
    empty |= size == 0;
    if (size > INT64_MAX ||
        __builtin_mul_overflow(bytes, std::max<std::int64_t>(static_cast<std::int64_t>(size), 1),
                               &bytes))
      throw base::DataError(where, ": its shape needs more bytes than there can be");
  }
  return empty ? 0 : static_cast<std::uint64_t>(bytes);
}

TensorEntry read_entry(std::string_view name, const dom::element& value, const std::string& file) {
  const std::string where = file + ": tensor " + base::in_quotes(name);
  std::optional<dom::element> dtype, shape, offsets;
  for (const auto& [key, member] : members_of(value, where)) {
    if (key == "dtype") dtype = member;
    if (key == "shape") shape = member;
    if (key == "data_offsets") offsets = member;
  }
  for (const auto& [key, found] :
       {std::pair{"dtype", dtype}, {"shape", shape}, {"data_offsets", offsets}})
    if (!found) throw base::DataError(where, ": ", key, " is missing");

  TensorEntry entry{std::string(name), read_type(*dtype, where), {}, 0, 0};
  const auto sizes = whole_numbers(*shape, "shape", where);
  if (sizes.size() > kMaxSizes)
    throw base::DataError(where, ": its shape has ", sizes.size(), " sizes, expected at most ",
                          kMaxSizes);
  const auto places = whole_numbers(*offsets, "data_offsets", where);
  if (places.size() != 2)
    throw base::DataError(where, ": data_offsets has ", places.size(),
                          " numbers, expected [begin, end]");
  entry.begin = places[0];
  entry.end = places[1];
  if (entry.begin > entry.end)
    throw base::DataError(where, ": data_offsets ends at byte ", entry.end,
                          ", before it begins at ", entry.begin);
  const std::uint64_t bytes = bytes_of(sizes, entry.type, where);
  if (entry.end - entry.begin != bytes)
    throw base::DataError(where, " has ", entry.end - entry.begin,
                          " bytes, but its shape and dtype need ", bytes);
  entry.shape.assign(sizes.begin(), sizes.end());
  return entry;
}

std::map<std::string, std::string> read_metadata(const dom::element& value,
                                                 const std::string& file) {
  std::map<std::string, std::string> metadata;
  for (const auto& [key, member] : members_of(value, file + ": __metadata__")) {
    std::string_view text;
    if (member.get(text))
      throw base::DataError(file, ": __metadata__: ", base::in_quotes(key), " is no text");
    metadata.emplace(key, text);
  }
  return metadata;
}

void require_no_gaps(const std::vector<TensorEntry>& entries, const std::string& file) {
  std::uint64_t expected = 0;
  for (const TensorEntry& entry : entries) {
    if (entry.begin != expected)
      throw base::DataError(file, ": tensor ", base::in_quotes(entry.name), " begins at byte ",
                            entry.begin, ", expected ", expected,
                            entry.begin > expected ? ": there is a hole in the data"
                                                   : ": it overlaps the one before");
    expected = entry.end;
  }
}

// The header's text, after the rules on its size.
std::string_view cut_header(std::string_view file, const std::string& where) {
  std::uint64_t size = 0;
  if (file.size() < sizeof size)
    throw base::DataError(where, ": ", file.size(), " bytes, too short for a safetensors file");
  std::memcpy(&size, file.data(), sizeof size);
  const std::uint64_t rest = file.size() - sizeof size;
  if (size > kMaxHeader)
    throw base::DataError(where, ": claims a header of ", size, " bytes, above the format's limit ",
                          kMaxHeader, "; is it a safetensors file?");
  if (size > rest)
    throw base::DataError(where, ": claims a header of ", size, " bytes, but only ", rest,
                          " follow; the file is cut");
  const std::string_view header = file.substr(sizeof size, size);
  if (header.empty() || header[0] != '{')
    throw base::DataError(where, ": the header does not begin with {");
  return header;
}

}  // namespace

const char* element_name(ElementType type) { return facts(type).name; }

std::optional<ElementType> element_type_of(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kElements); ++i)
    if (name == kElements[i].name) return static_cast<ElementType>(i);
  return std::nullopt;
}

std::uint64_t element_bytes(ElementType type) { return facts(type).bytes; }

SafetensorsHeader parse_safetensors_header(std::string_view file, const std::string& where) {
  const std::string_view text = cut_header(file, where);
  dom::parser parser;
  dom::element root;
  auto error = parser.allocate(std::max<std::size_t>(text.size(), 32), kMaxDepth);
  if (!error) error = parser.parse(text.data(), text.size()).get(root);
  if (error)
    throw base::DataError(where, ": the header is no JSON: ", simdjson::error_message(error));

  SafetensorsHeader header;
  header.data_begin = sizeof(std::uint64_t) + text.size();
  for (const auto& [name, value] : members_of(root, where + ": the header")) {
    if (name == "__metadata__")
      header.metadata = read_metadata(value, where);
    else
      header.tensors.push_back(read_entry(name, value, where));
  }
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const TensorEntry& a, const TensorEntry& b) {
              return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
            });
  require_no_gaps(header.tensors, where);
  const std::uint64_t needed = header.tensors.empty() ? 0 : header.tensors.back().end;
  const std::uint64_t found = file.size() - header.data_begin;
  if (needed != found)
    throw base::DataError(where, ": holds ", found, " bytes of tensors, but its header needs ",
                          needed, needed > found ? "; the file is cut" : "; it has grown");
  return header;
}

std::string format_safetensors_header(const SafetensorsHeader& header) {
  base::Json json = base::Json::object();
  if (!header.metadata.empty()) json["__metadata__"] = header.metadata;
  auto& members = json.get_ref<base::Json::object_t&>();
  for (const TensorEntry& entry : header.tensors)
    members.push_back({entry.name,
                       {{"dtype", element_name(entry.type)},
                        {"shape", entry.shape},
                        {"data_offsets", {entry.begin, entry.end}}}});
  std::string text;
  try {
    text = json.dump();
  } catch (const nlohmann::json::exception& error) {
    throw base::Error(base::ErrorKind::internal,
                      base::concatenate("a safetensors header: ", error.what()));
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  base::check(text.size() <= kMaxHeader, "a safetensors header of ", text.size(), " bytes");
  const std::uint64_t size = text.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + text;
}

}  // namespace model
