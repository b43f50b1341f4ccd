#pragma once

#include <filesystem>

#include "model/language_model.h"

namespace model {

// Writes adapter_config.json and adapter_model.safetensors as PEFT reads them. `base` is the
// model's folder, from which the path in the configuration is relative to `folder`.
void write_adapter(const std::filesystem::path& folder, const LanguageModel& model,
                   const std::filesystem::path& base);

bool is_adapter_folder(const std::filesystem::path& folder);

// The folder of the base that an adapter names, where it lies on this machine. Throws
// base::DataError where it does not, or is an adapter itself.
std::filesystem::path base_of_adapter(const std::filesystem::path& folder);

// Reads a PEFT folder of a LoRA adapter and attaches it. Throws base::DataError where
// parse_adapter_config refuses it, where it does not fit the model, and naming a tensor that is
// missing, extra or misshapen.
void read_adapter(const std::filesystem::path& folder, LanguageModel& model);

}  // namespace model
