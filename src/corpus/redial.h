#pragma once

#include <filesystem>
#include <vector>

#include "dialogue/dialogue.h"

namespace corpus {

// ReDial (Li et al., 2018). Movies are the rows of movies_with_mentions.csv, in its order; its
// nbMentions column counts test dialogues too and is not read. Titles lose double spaces and HTML
// entities; the year is what stands in brackets at a title's end. Throws base::DataError.
dialogue::Catalogue read_redial_catalogue(const std::filesystem::path& file);

// One file of ReDial's JSON lines (plain or .xz): an original one, or the reconstructed one without
// times, workers, seen and suggested (there seeker and recommender are empty). "@111776" becomes a
// mention where the catalogue has that movie. A dialogue's order is its conversationId times 1,000;
// one without is placed behind the dialogue before it by trainIndex, and its id is "train-INDEX".
// Its source is the file's name up to the first dot. The result is in file order.
// Throws base::DataError "FILE:LINE: …" also where movieMentions, a form or an "@" names a movie of
// five or more digits that the catalogue lacks; with fewer digits "@50" stays plain text.
std::vector<dialogue::Dialogue> read_redial_file(const std::filesystem::path& file,
                                                 const dialogue::Catalogue& catalogue);

// A folder with movies_with_mentions.csv and ReDial's training dialogues: train_data as the data
// set is published (its test_data is not read), or train_part and train_rest_reconstructed; each
// .jsonl or .jsonl.xz. Dialogues come sorted by order, those without conversationId at the place
// that trainIndex gives them among both files' dialogues. Throws base::DataError where a file is
// missing or damaged.
dialogue::Corpus read_redial(const std::filesystem::path& folder);

}  // namespace corpus
