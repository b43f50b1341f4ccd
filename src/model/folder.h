#pragma once

#include <filesystem>

#include "model/gpt2.h"

namespace model {

// Writes config.json, generation_config.json and model.safetensors, as `transformers` reads them.
void write_model(const std::filesystem::path& folder, const Gpt2& model);

// Reads a Hugging Face GPT-2 folder: names with or without `transformer.`, attention buffers and a
// tied lm_head left out, any float type. Throws base::DataError naming file and tensor; refuses
// pytorch_model.bin with advice.
Gpt2 read_model(const std::filesystem::path& folder);

}  // namespace model
