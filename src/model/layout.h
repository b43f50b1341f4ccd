#pragma once

#include <string>
#include <vector>

#include "model/config.h"

namespace model {

// How a family names and lays out a checkpoint's tensors. Names are without the prefix below.

// NAME.weight and, where it has one, NAME.bias [out].
struct Module {
  std::string name;
  std::int64_t in, out;
  bool bias;
};

// Modules that read the same input stand side by side and are computed as one.
struct LayerModules {
  std::string attention_norm;
  std::vector<Module> qkv;  // c_attn, or q_proj, k_proj and v_proj
  Module attention_out;
  std::string inner_norm;
  std::vector<Module> up;  // c_fc, or gate_proj and up_proj
  Module down;

  std::vector<Module> all() const;
};
LayerModules layer_modules(const ModelConfig& config, std::int64_t layer);

struct OuterNames {
  const char* embedding;  // [V, C]
  const char* positions;  // [P, C], GPT-2 only
  const char* final_norm;
  const char* head;  // [V, C], where it is not tied
};
OuterNames outer_names(Family family);

// GPT-2's modules store weights as [in, out] (its Conv1D), the others' as [out, in].
bool stores_inputs_first(Family family);

// What the model with an output layer puts before every name but the head's: "transformer.", or
// nothing where the names above hold it already.
std::string checkpoint_prefix(Family family);

// Every tensor of a checkpoint with its shape, in its order.
struct TensorShape {
  std::string name;
  std::vector<std::int64_t> shape;
};
std::vector<TensorShape> tensor_shapes(const ModelConfig& config);

}  // namespace model
