#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/gguf_format.h"

namespace model {

// How a tensor of a checkpoint lies in a GGUF file.
enum class GgufLayout {
  same,
  transposed,    // [in, out] of GPT-2's Conv1D to [out, in]
  query_paired,  // rows of each head from two halves to pairs, as llama.cpp's rotary positions want
  key_paired,    // the same for keys
};

// One tensor of a checkpoint and its place in a GGUF file.
struct GgufPlace {
  std::string from;  // without "transformer." or "model."
  std::string to;
  GgufLayout layout = GgufLayout::same;
  bool needed = true;  // else it may be absent
};

// The rotary positions of Llama 3.1 and later: slow frequencies are divided by `factor`, fast ones
// stay, those between are blended.
struct GgufRope {
  double base = 10000;
  std::int64_t head_width = 0;
  double factor = 8, low_factor = 1, high_factor = 4;
  double old_context = 8192;  // positions of the model before it was stretched
};

// What config.json says of a model that can be exported: gpt2, llama or qwen2.
struct GgufModel {
  std::string architecture;
  std::int64_t vocabulary = 0;
  std::int64_t heads = 0, key_heads = 0;
  std::vector<GgufPlace> places;  // of all tensors, in the order of the file
  bool tied = false;              // the output layer is the token embedding
  std::optional<GgufRope> rope;
};

// Reads config.json and adds the keys `general.architecture` and ARCHITECTURE.*. Throws
// base::DataError where the model is of another architecture or uses what llama.cpp cannot express.
GgufModel describe_gguf_model(GgufMetadata& metadata, const base::Json& config,
                              const std::string& where);

}  // namespace model
