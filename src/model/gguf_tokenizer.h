#pragma once

#include <cstdint>
#include <filesystem>

#include "model/gguf_format.h"

namespace model {

// Adds the keys `tokenizer.*` of a model folder's byte-level BPE: tokens in their printable form,
// their types, merges, the way text is cut, special tokens and the chat template; of
// tokenizer.json, tokenizer_config.json, config.json and chat_template.jinja. Ids up to
// `vocabulary` that no token has are filled as unused. Throws base::DataError where tokenizer.json
// is absent, is of another kind, cuts text in a way that llama.cpp has no name for, or has ids
// beyond `vocabulary`.
void add_gguf_tokenizer(GgufMetadata& metadata, const std::filesystem::path& folder,
                        std::int64_t vocabulary);

}  // namespace model
