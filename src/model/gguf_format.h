#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace model {

// The number types that are written, by GGUF's own numbers for them.
enum class GgufType : std::uint32_t { f32 = 0, f16 = 1, bf16 = 30 };

// Key and value pairs in the order they were added. Each throws base::Error(internal) where the
// key is there already.
class GgufMetadata {
 public:
  void add_number(const std::string& key, std::uint32_t value);
  void add_float(const std::string& key, float value);
  void add_flag(const std::string& key, bool value);
  void add_text(const std::string& key, const std::string& value);
  void add_texts(const std::string& key, const std::vector<std::string>& values);
  void add_numbers(const std::string& key, const std::vector<std::int32_t>& values);

  std::uint64_t count() const { return keys_.size(); }
  const std::string& bytes() const { return bytes_; }

 private:
  void begin(const std::string& key, std::uint32_t type);

  std::set<std::string> keys_;
  std::string bytes_;
};

struct GgufTensor {
  std::string name;
  std::vector<std::int64_t> shape;  // row-major, the last size is of neighbours; 1 to 4 sizes
  GgufType type = GgufType::f32;
};

inline constexpr std::uint64_t kGgufAlignment = 32;

std::uint64_t gguf_bytes(const GgufTensor& tensor);  // of its data, without padding

// All of a GGUF file (version 3, little-endian) before the tensors' data, padded to kGgufAlignment.
// The data follow in this order, each padded likewise.
std::string format_gguf_head(const GgufMetadata& metadata, const std::vector<GgufTensor>& tensors);

}  // namespace model
