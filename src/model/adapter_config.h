#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "model/lora_settings.h"

namespace model {

// What adapter_config.json of a PEFT folder says.
struct AdapterConfig {
  LoraSettings settings;
  std::int64_t first_row = 0, rows = 0;  // of the vocabulary, trained whole; none below 0
  std::string base;                      // as it is written: a folder's path, or a name
};

// Every option of a LoRA adapter that changes what is computed is honoured (r, lora_alpha,
// lora_dropout, use_rslora, target_modules, trainable_token_indices of one run of ids), or the
// adapter is refused with base::DataError naming it.
AdapterConfig parse_adapter_config(const base::Json& json, const std::string& where);

}  // namespace model
