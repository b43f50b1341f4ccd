#pragma once

#include <filesystem>
#include <string>

#include "dialogue/dialogue.h"

namespace corpus {

// INSPIRED (Hayati et al., 2020) with the links to DBpedia that UniCRS gives it.

// Whether a folder holds it: unicrs/train_data_dbpedia.jsonl (each file here may be .xz).
bool is_inspired(const std::filesystem::path& folder);

// Whether a file's first line is one of its dialogues.
bool is_inspired_line(const std::string& line);

// One file, {train,valid,test}_data_dbpedia.jsonl: one dialogue a line, id "SOURCE-LINE". An item
// is found by its DBpedia link; a movie that the catalogue lacks, or that has no link, is counted
// in `dropped` and its turn keeps the others. Mentions stand where the text has the movie's name; a
// link without such a place (links were guessed from parts of titles) is an empty mention at the
// text's end, and counted. The seed is the first movie or entity that the text names. Throws
// base::DataError "FILE:LINE: …".
dialogue::Corpus read_inspired_file(const std::filesystem::path& file,
                                    const dialogue::Catalogue& catalogue);

// unicrs/train_data_dbpedia and unicrs/valid_data_dbpedia. Items are all movies that these link,
// then the candidates of He et al. (2023) where `crs_splits/llm_zeroshot_inspired` lies beside the
// folder, so that most targets of a test file are found. An item's id is the last part of its
// DBpedia URI, its title the name with the year where known, its attributes those of
// unicrs/dbpedia_subkg.json.
//
// Outcomes are known of the validation dialogues only: dev.tsv has their texts and fine_label; the
// training dialogues' texts are in no file that names them. Satisfaction is 1 for
// accept_rating_good, .5 for accept_rating_mod, 0 for accept_uninterested and reject; accept_others
// has no rating and no satisfaction. Where the recommender named a single movie, it has a label of
// the seeker: suggested, and liked for accept_rating_good, not liked for accept_uninterested and
// reject. The survey (seeker_partner_perception.tsv) is not read: its ids contradict the outcomes'
// own. Nor is the time that movie_id claims to be watched: it is the trailer's length.
dialogue::Corpus read_inspired(const std::filesystem::path& folder);

}  // namespace corpus
