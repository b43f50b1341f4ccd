#pragma once

#include <filesystem>

#include "evaluate/examples.h"

namespace evaluate {

// The files from which anybody can recompute every figure of a ranking (docs/formats.md). Whole or
// not at all; both throw base::ResourceError.

// FOLDER/PROTOCOL/qrels.trec, "QUERY 0 ITEM RELEVANCE" a line, for each protocol that has a pair:
//   v1, v2, v3, ln, v1-kbrd, v2-kbrd   1
//   v1-unicrs, v2-unicrs               how many pairs the item counts as
//   v4-uniform, v4-popular             1, then 0 for each negative, in the order they were drawn
// and FOLDER/instances.jsonl: one line an own instance, with what slices, SR and RDL are made of.
void write_qrels(const std::filesystem::path& folder, const Examples& examples,
                 const dialogue::Catalogue& catalogue);

// FOLDER/PROTOCOL/MODEL.trec for the same protocols, "QUERY Q0 ITEM RANK SCORE MODEL" a line, ranks
// from 1: the 100 best items of each query (the 50 best by the rules of others), masked items left
// out; in v4-… the relevant items and all negatives. Scores are the model's log-probabilities to
// four decimals, lowered where needed so that they fall strictly, in single precision too.
void write_run(const std::filesystem::path& folder, const ExampleRankings& rankings,
               const Examples& examples, const dialogue::Catalogue& catalogue);

}  // namespace evaluate
