#pragma once

#include <filesystem>

#include "model/language_model.h"

namespace model {

// Writes config.json, generation_config.json and model.safetensors, as `transformers` reads them,
// in the model's storage type. A model with an adapter is written as write_adapter does, with the
// base that it names.
void write_model(const std::filesystem::path& folder, const LanguageModel& model);

// Reads a Hugging Face folder of a decoder: names with or without `transformer.`, one file or
// shards, attention buffers and a tied lm_head left out, any float type. fp32 weights stay in the
// mapped file. A folder with adapter_config.json is read as read_adapter does, on the base that it
// names. Throws base::DataError naming file and tensor; refuses pytorch_model.bin with advice.
LanguageModel read_model(const std::filesystem::path& folder);

// The parts of a decoder's checkpoint that this program knows nothing of are left out by
// read_model; this takes them: a classifier's score.weight [labels, C], fp32.
torch::Tensor read_score_head(const std::filesystem::path& folder);

}  // namespace model
