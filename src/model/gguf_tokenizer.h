#pragma once

#include <cstdint>
#include <filesystem>

#include "base/json.h"
#include "model/gguf_format.h"

namespace model {

// What a model folder says of its tokenizer. Absent files are empty objects and texts.
struct TokenizerFiles {
  base::Json tokenizer;  // tokenizer.json
  base::Json settings;   // tokenizer_config.json
  base::Json config;     // config.json
  std::string chat_template;
  std::string where;  // tokenizer.json's path, for messages
};

// Throws base::DataError where tokenizer.json is absent or a file is no JSON.
TokenizerFiles read_tokenizer_files(const std::filesystem::path& folder);

// Adds the keys `tokenizer.*` of a byte-level BPE: tokens in their printable form, their types,
// merges, the way text is cut, special tokens and the chat template. Ids up to `vocabulary` that no
// token has are filled as unused. Throws base::DataError where the tokenizer is of another kind,
// cuts text in a way that llama.cpp has no name for, or has ids beyond `vocabulary`.
void add_gguf_tokenizer(GgufMetadata& metadata, const TokenizerFiles& files,
                        std::int64_t vocabulary);

}  // namespace model
