#pragma once

#include <filesystem>

#include "model/gguf_format.h"

namespace model {

// Writes a Hugging Face model folder (gpt2, llama or qwen2: config.json, weights, tokenizer.json)
// as one GGUF file for llama.cpp, whole or not at all; names, layouts and keys as its own converter
// has them. `type` is that of matrices; norms, biases and position embeddings stay float32. Throws
// base::DataError where the folder is damaged or holds what cannot be expressed, ResourceError
// where the disk refuses. Nothing reads GGUF here.
void write_gguf(const std::filesystem::path& folder, const std::filesystem::path& path,
                GgufType type);

}  // namespace model
