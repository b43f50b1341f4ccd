#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "text/tokenizer.h"

namespace text {

// What the files of a tokenizer say, before it is checked. Tokens are as the files write them: for
// byte-level BPE in GPT-2's printable bytes.
struct VocabularySource {
  std::filesystem::path vocabulary_file;
  std::vector<std::pair<std::string, int>> vocabulary;
  std::filesystem::path merges_file;
  const char* merge_unit;  // ":" before a line number, ": merge " before a place in a list
  struct RawMerge {
    long place;
    std::string left, right;
  };
  std::vector<RawMerge> merges;
  std::filesystem::path added_file;
  std::vector<AddedToken> added;  // in_model is not set yet
  Rules rules;
};

// Checks that all of it fits together. Throws DataError naming file and place where it does not.
Vocabulary assemble(VocabularySource source);

}  // namespace text
