#pragma once

#include <filesystem>

#include "text/tokenizer.h"

namespace text {

// Reads a byte-level BPE of a vocabulary and a list of merges. Added tokens are those of
// added_tokens.json and tokenizer_config.json beside them, and every token in angle or square
// brackets that is neither a byte nor made by a merge. The rules are those of the tokenizer_class
// in tokenizer_config.json, GPT-2's where there is none. Throws DataError as read_tokenizer does.
Tokenizer read_merges_vocabulary(const std::filesystem::path& vocabulary,
                                 const std::filesystem::path& merges);

// Reads BERT's vocab.txt: a token a line, its id the number of lines before. tokenizer_config.json
// beside it may say do_lower_case, strip_accents, tokenize_chinese_chars and the special tokens.
Tokenizer read_wordpiece_vocabulary(const std::filesystem::path& vocabulary);

}  // namespace text
