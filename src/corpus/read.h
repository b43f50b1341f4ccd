#pragma once

#include <filesystem>
#include <vector>

#include "dialogue/dialogue.h"

namespace corpus {

// Any corpus, by what is there: a folder with movies_with_mentions.csv is ReDial; a folder with
// dialogues.jsonl (or .jsonl.xz), and catalogue.jsonl where items are listed apart, is attune's
// own; a file is attune's own dialogues with their items. Throws base::DataError.
dialogue::Corpus read_corpus(const std::filesystem::path& path);

// Other dialogues over a known catalogue, from one file: attune's own or ReDial's lines, told apart
// by the first line. Throws base::DataError.
std::vector<dialogue::Dialogue> read_more(const std::filesystem::path& file,
                                          const dialogue::Catalogue& catalogue);

// Writes catalogue.jsonl and dialogues.jsonl into a folder, for read_corpus. Throws
// base::ResourceError.
void write_corpus(const std::filesystem::path& folder, const dialogue::Corpus& corpus);

}  // namespace corpus
