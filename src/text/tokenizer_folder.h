#pragma once

#include <filesystem>
#include <string>

#include "text/tokenizer.h"

namespace text {

// Reads a Hugging Face tokenizer folder of a byte-level BPE. It holds tokenizer.json; or vocab.json
// and merges.txt; or encoder.json and vocab.bpe, their older names. Without tokenizer.json the
// added tokens are those of added_tokens.json and tokenizer_config.json, and every token that is
// neither a byte nor made by a merge. Throws DataError naming file, place and what was expected
// where a file is missing, damaged, or asks for something else than GPT-2's way to cut text.
Tokenizer read_tokenizer(const std::filesystem::path& folder);

// Which added tokens other programs are told to use; empty = none.
struct TokenizerRoles {
  std::string end = "";      // eos_token, e.g. "<|end|>"
  std::string padding = "";  // pad_token
};

// Writes tokenizer.json, tokenizer_config.json, vocab.json and merges.txt into a folder that
// exists; other files stay. Reading them gives an equal vocabulary, in attune and in Hugging Face's
// tokenizers. Throws ResourceError where it cannot write, UsageError where a role is no added
// token.
void write_tokenizer(const std::filesystem::path& folder, const Tokenizer& tokenizer,
                     const TokenizerRoles& roles = {});

}  // namespace text
