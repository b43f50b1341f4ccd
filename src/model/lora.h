#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/config.h"
#include "model/layout.h"
#include "model/lora_settings.h"
#include "model/parameters.h"

namespace model {

// What is trained beside a frozen model: low-rank pairs for some of its modules, and whole rows of
// the token embedding (and of an untied output layer) for tokens that the base never learned.
struct Adapter {
  LoraSettings settings;
  std::int64_t first_row = 0, rows = 0;  // of the vocabulary
  std::filesystem::path base;            // the folder of the frozen weights; empty: not written yet
  // Under the names of the model's own checkpoint: NAME.lora_A.weight [r, in], NAME.lora_B.weight
  // [out, r], and EMBEDDING.token_adapter.trainable_tokens_delta [rows, C], the rows themselves.
  ParameterSet parameters;

  double scale() const { return settings.alpha / settings.rank; }
};

// Adapters that change nothing yet: A uniform in +-1/sqrt(in), B zero, the rows as they stand in
// `base`. Throws base::Error(usage) where a target names no module, or the rank is below 1.
Adapter new_adapter(const ModelConfig& config, const ParameterSet& base,
                    const LoraSettings& settings, std::int64_t first_row, std::int64_t rows,
                    std::uint64_t seed);

// The parameters of such an adapter, in its order.
std::vector<TensorShape> adapter_shapes(const ModelConfig& config, const LoraSettings& settings,
                                        std::int64_t rows);

// The first of the targets that names no module of any layer.
std::optional<std::string> unknown_target(const ModelConfig& config, const LoraSettings& settings);

// The modules of one layer that the settings name.
bool is_target(const LoraSettings& settings, const LayerModules& layer, const Module& module);

std::string adapter_name(const ModelConfig& config, const Module& module, const char* part);
std::string rows_name(const ModelConfig& config, const std::string& embedding);

}  // namespace model
