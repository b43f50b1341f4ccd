#pragma once

#include <filesystem>

#include "dialogue/dialogue.h"

namespace corpus {

// OpenDialKG (Moon et al., 2019) as iEvaLM publishes its recommendation turns.

// Whether a folder holds it.
bool is_opendialkg(const std::filesystem::path& folder);

// The candidates of item_ids.json in its order: ids are their numbers, titles their names of
// entity2id.json, attributes and years those of id2info.json (actor, director, genre, language,
// writer; kg.json says the same). The domain is movie where there is an actor or a director, book
// where there is only a writer, else empty.
dialogue::Catalogue read_opendialkg_catalogue(const std::filesystem::path& folder);

// train_data_processed and valid_data_processed (.jsonl or .jsonl.xz), as merge_turn_records makes
// dialogues of them: one of the training turns and one of the validation turns of a conversation,
// each with these as targets. The published split is by turn: a test turn stands in a dialogue only
// as context, where the published context of a later turn has it, and is never a target. Where
// dialog_Books is there, a training dialogue goes on with the turns behind its last target, up to
// the next that recommends, which is of another split; book dialogues without a turn in either
// split are left out. Both are counted in the corpus's `dropped`. A dialogue whose records name no
// entity has as its seed the first name of entity2id.json in its text: phrases in either case,
// single words as they are written there. In order of dialogue, training first. Throws
// base::DataError where a file is missing or damaged.
dialogue::Corpus read_opendialkg(const std::filesystem::path& folder);

}  // namespace corpus
