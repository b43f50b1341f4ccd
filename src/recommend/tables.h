#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <torch/types.h>

#include "dialogue/catalogue.h"
#include "recommend/counts.h"
#include "recommend/entities.h"
#include "recommend/neighbours.h"
#include "recommend/words.h"

namespace recommend {

// One list of numbers a place, side by side, each number weighing 1 / the length of its list: what
// at::embedding_bag makes means of.
struct FeatureBags {
  torch::Tensor numbers;  // [Z] int64
  torch::Tensor offsets;  // [N] int64
  torch::Tensor weights;  // [Z] float

  static FeatureBags of(const std::vector<std::vector<int>>& lists);
};

// What a ranker looks up: counted in the training dialogues, or known of the catalogue's items.
struct RankerTables {
  WordTable words;
  Entities entities;
  Counts counts;
  Neighbours neighbours;
  FeatureBags item_words;     // of titles and of attributes that are texts (plots)
  FeatureBags item_entities;  // those that other items have too
  torch::Tensor item_years;   // [N] int64: its five years, below kYearBuckets
  // Of each item, the 20 that share most with it, and what share of what they have in common is
  // theirs (Entities::shared_weight).
  std::vector<std::vector<std::pair<int, float>>> similar = {};
};

inline constexpr int kYearBuckets = 32;  // 0 unknown, 1: before 1890, then five years each

// Fills in what is known of the items; the rest is as given.
RankerTables make_tables(WordTable words, Entities entities, Counts counts, Neighbours neighbours,
                         const dialogue::Catalogue& catalogue);

}  // namespace recommend
