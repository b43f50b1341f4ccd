#pragma once

#include <filesystem>

#include "model/language_model.h"

namespace model {

// The model's folder that a person means: `path` itself, or `path`/model of a run's stage. Throws
// base::DataError where neither holds config.json or adapter_config.json.
std::filesystem::path find_model(const std::filesystem::path& path);

// The folder of its weights and config.json: itself, or the base that an adapter names.
std::filesystem::path whole_model(const std::filesystem::path& folder);

// Writes config.json, generation_config.json and model.safetensors, as `transformers` reads them,
// in the model's storage type. The model has no adapter: merge it first, or see write_adapter.
void write_model(const std::filesystem::path& folder, const LanguageModel& model);

// Reads a Hugging Face folder of a decoder: names with or without `transformer.`, one file or
// shards, attention buffers and a tied lm_head left out, any float type. fp32 weights stay in the
// mapped file. A folder with adapter_config.json is read as read_adapter does, on the base that it
// names. Throws base::DataError naming file and tensor; refuses pytorch_model.bin with advice.
LanguageModel read_model(const std::filesystem::path& folder);

// A reward model in the layout of transformers' GPT2ForSequenceClassification and its counterparts:
// the decoder without an output layer, and head: [1, C], which scores the last token that is not
// `padding`. read_model reads the decoder of such a folder, read_score_head the head, fp32.
void write_scorer(const std::filesystem::path& folder, const LanguageModel& model,
                  const torch::Tensor& head, int padding);
torch::Tensor read_score_head(const std::filesystem::path& folder);

}  // namespace model
