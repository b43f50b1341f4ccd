#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace corpus {

// The dialogues that a file names.
struct DialogueIds {
  std::string file;  // empty: none
  std::set<std::string> ids;
};

// One id a line, or JSON lines: the conversationId, dialog_id or id of each object. Empty lines say
// nothing, an id may be there several times. None where `file` is empty. Throws base::DataError
// where it cannot be read, holds no id, or a line of JSON has none.
DialogueIds read_dialogue_ids(const std::string& file);

// How many of the ids are not among `found`. Throws base::DataError with the count and the first of
// them where they are more than `allowed`.
std::int64_t count_unknown(const DialogueIds& ids, const std::set<std::string>& found,
                           std::int64_t allowed);

}  // namespace corpus
