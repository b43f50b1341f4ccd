#pragma once

#include <filesystem>
#include <string>

#include "text/tokenizer.h"

namespace text {

// Reads a Hugging Face tokenizer folder. It holds tokenizer.json; or vocab.json and merges.txt; or
// encoder.json and vocab.bpe, their older names; or vocab.txt (see vocabulary_files.h). The
// tokenizer_config.json beside them becomes the settings. Throws DataError naming file, place and
// what was expected where a file is missing, damaged, or asks for what attune does not do.
Tokenizer read_tokenizer(const std::filesystem::path& folder);

// Which added tokens other programs are told to use; empty = as the settings say, none without.
struct TokenizerRoles {
  std::string end = "";      // eos_token, e.g. "<|end|>"
  std::string padding = "";  // pad_token
};

// Writes tokenizer.json and tokenizer_config.json into a folder that exists, and vocab.json and
// merges.txt where the rules are GPT-2's; other files stay. Reading them gives an equal vocabulary,
// in attune and in Hugging Face's tokenizers, by the same rules. Throws ResourceError where it
// cannot write, UsageError where a role is no added token.
void write_tokenizer(const std::filesystem::path& folder, const Tokenizer& tokenizer,
                     const TokenizerRoles& roles = {});

}  // namespace text
