#pragma once

#include <filesystem>

#include "dialogue/dialogue.h"

namespace dialogue {

// attune's own JSON lines (docs/formats.md): one `attune.dialogue/1` object a line. Names that end
// in `.xz` are unpacked on the way.
//
// All readers throw base::DataError "FILE:LINE: …" where a line is not whole JSON, is of another or
// a newer schema, lacks a key or has one of a wrong type, names an unknown role, item or turn,
// repeats an id, or has a span that is outside the text or overlaps another.

// The catalogue is what the lines themselves list under "items", in order of first appearance. The
// same id with two titles is an error.
Corpus read_dialogues(const std::filesystem::path& path);

// The catalogue is the given one; every item must be in it, and what lines say of items is ignored.
Corpus read_dialogues(const std::filesystem::path& path, Catalogue catalogue);

// Writes the dialogues, each with the items it names, whole file or nothing. Turn::sentiment is
// derived and not written. Throws base::ResourceError.
void write_dialogues(const std::filesystem::path& path, const Corpus& corpus);

// The same for a catalogue: one `attune.catalogue/1` object, an item, a line.
Catalogue read_catalogue(const std::filesystem::path& path);
void write_catalogue(const std::filesystem::path& path, const Catalogue& catalogue);

}  // namespace dialogue
