#include "model/gguf_format.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace model {
namespace {

// The types of a value that are written, by GGUF's own numbers.
enum ValueType : std::uint32_t {
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9
};
constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kLongestName = 63;  // readers keep a name in 64 bytes with its end

template <class T>
void append(std::string& to, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  to.append(bytes, sizeof value);
}

void append_text(std::string& to, const std::string& text) {
  append<std::uint64_t>(to, text.size());
  to += text;
}

std::uint64_t padded(std::uint64_t bytes) {
  return (bytes + kGgufAlignment - 1) / kGgufAlignment * kGgufAlignment;
}

}  // namespace

void GgufMetadata::begin(const std::string& key, std::uint32_t type) {
  base::check(keys_.insert(key).second, "GGUF: the key ", key, " is set twice");
  append_text(bytes_, key);
  append(bytes_, type);
}

void GgufMetadata::add_number(const std::string& key, std::uint32_t value) {
  begin(key, kUint32);
  append(bytes_, value);
}

void GgufMetadata::add_float(const std::string& key, float value) {
  begin(key, kFloat32);
  append(bytes_, value);
}

void GgufMetadata::add_flag(const std::string& key, bool value) {
  begin(key, kBool);
  append<std::uint8_t>(bytes_, value);
}

void GgufMetadata::add_text(const std::string& key, const std::string& value) {
  begin(key, kString);
  append_text(bytes_, value);
}

void GgufMetadata::add_texts(const std::string& key, const std::vector<std::string>& values) {
  begin(key, kArray);
  append<std::uint32_t>(bytes_, kString);
  append<std::uint64_t>(bytes_, values.size());
  for (const std::string& value : values) append_text(bytes_, value);
}

void GgufMetadata::add_numbers(const std::string& key, const std::vector<std::int32_t>& values) {
  begin(key, kArray);
  append<std::uint32_t>(bytes_, kInt32);
  append<std::uint64_t>(bytes_, values.size());
  for (const std::int32_t value : values) append(bytes_, value);
}

std::uint64_t gguf_bytes(const GgufTensor& tensor) {
  std::uint64_t bytes = tensor.type == GgufType::f32 ? 4 : 2;
  for (const std::int64_t size : tensor.shape) bytes *= static_cast<std::uint64_t>(size);
  return bytes;
}

std::string format_gguf_head(const GgufMetadata& metadata, const std::vector<GgufTensor>& tensors) {
  std::string head = "GGUF";
  append(head, kVersion);
  append<std::uint64_t>(head, tensors.size());
  append<std::uint64_t>(head, metadata.count());
  head += metadata.bytes();
  std::uint64_t offset = 0;
  for (const GgufTensor& tensor : tensors) {
    base::check(
        tensor.name.size() <= kLongestName && !tensor.shape.empty() && tensor.shape.size() <= 4,
        "GGUF: the tensor ", tensor.name, " has a name or a shape that does not fit");
    append_text(head, tensor.name);
    append<std::uint32_t>(head, static_cast<std::uint32_t>(tensor.shape.size()));
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size)
      append<std::uint64_t>(head, static_cast<std::uint64_t>(*size));
    append(head, static_cast<std::uint32_t>(tensor.type));
    append(head, offset);
    offset += padded(gguf_bytes(tensor));
  }
  head.resize(padded(head.size()));
  return head;
}

}  // namespace model
