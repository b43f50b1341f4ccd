#pragma once

#include <filesystem>
#include <vector>

#include "dialogue/dialogue.h"

namespace corpus {

// Any corpus, by what is there: a folder with movies_with_mentions.csv is ReDial; one with
// train_data_processed.jsonl and item_ids.json OpenDialKG; one with unicrs/train_data_dbpedia.jsonl
// INSPIRED; a folder with dialogues.jsonl (each .xz too), and catalogue.jsonl where items are
// listed apart, is attune's own; a file is attune's own dialogues with their items. Throws
// base::DataError.
dialogue::Corpus read_corpus(const std::filesystem::path& path);

// Other dialogues over a known catalogue, from one file told by its first line: attune's own,
// ReDial's lines, turns that recommend as iEvaLM publishes them of ReDial and OpenDialKG (one
// dialogue has as targets just these turns), or INSPIRED's dialogues. The corpus's `dropped` says
// what could not be used, so that the denominator can be stated. Throws base::DataError.
dialogue::Corpus read_more(const std::filesystem::path& file, const dialogue::Catalogue& catalogue);

// The items of a catalogue's file, or of a folder that has one: of a corpus, of a run, of a model.
// Throws base::DataError.
dialogue::Catalogue read_catalogue_of(const std::filesystem::path& path);

// Writes catalogue.jsonl and dialogues.jsonl into a folder, for read_corpus. Throws
// base::ResourceError.
void write_corpus(const std::filesystem::path& folder, const dialogue::Corpus& corpus);

}  // namespace corpus
