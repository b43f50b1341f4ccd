#pragma once

#include <string>
#include <vector>

#include "corpus/dropped.h"
#include "corpus/split.h"
#include "corpus/statistics.h"

namespace corpus {

// Two dialogues (a < b) that share most of their runs of four words.
struct NearDuplicate {
  int a = 0;
  int b = 0;
  double similarity = 0;  // Jaccard, 0 … 1
};

// How many dialogues of a held-out split share something with training.
struct Overlap {
  std::string split;  // "validation"
  std::string what;   // "begin with a seed that a training dialogue begins with"
  std::int64_t count = 0;
  std::int64_t of = 0;  // dialogues of the split that could: with a seed, with people known by id
};

struct Check {
  Statistics statistics;
  std::vector<Dropped> dropped;  // only what occurs
  std::vector<NearDuplicate> near_duplicates;
  std::vector<Overlap> overlaps;  // whether or not the kind of split forbids them; only with splits
  std::vector<std::string> leaks;  // between splits, a sentence each; empty: none found
};

// Pairs of dialogues whose sets of four-word runs (letters and digits, lower case) have a Jaccard
// similarity of at least `threshold`, found by MinHash: a pair at .8 is found with probability over
// .999. Dialogues of fewer than eight words and parts of one conversation are not
// compared. Sorted by a, then b.
std::vector<NearDuplicate> find_near_duplicates(const std::vector<dialogue::Dialogue>& dialogues,
                                                double threshold = .8);

// What is in a corpus and what is wrong with it.
Check check_corpus(const dialogue::Corpus& corpus);

// The same with its splits. Leaks are what check_splits refuses, conversations with turns in
// training and in another split, and near-duplicates in two splits.
Check check_corpus(const dialogue::Corpus& corpus, const Splits& splits,
                   const SplitSettings& settings);

base::Json to_json(const std::vector<Overlap>& overlaps);

}  // namespace corpus
