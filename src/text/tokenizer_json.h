#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "text/vocabulary_source.h"

namespace text {

// Reads the text of a tokenizer.json, trusted or not. Errors start with `where`; throws DataError
// as read_tokenizer does.
Tokenizer parse_tokenizer(std::string_view json, const std::string& where);

// ---- parts that other files of a tokenizer hold too ----

// Reads {"token": id, …}.
std::vector<std::pair<std::string, int>> read_ids(const base::Json& object,
                                                  const std::string& where);

// Reads an added token's text and flags.
AddedToken read_added(const base::Json& entry, int id, const std::string& where);

// Adds the lines of a merges.txt to `out`; `file` is for messages.
void read_merge_line(std::string_view line, long number, const std::string& file,
                     std::vector<VocabularySource::RawMerge>& out);

}  // namespace text
