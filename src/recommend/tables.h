#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "dialogue/catalogue.h"
#include "recommend/counts.h"
#include "recommend/entities.h"
#include "recommend/neighbours.h"
#include "recommend/words.h"

namespace recommend {

// What a ranker looks up: counted in the training dialogues, or known of the catalogue's items.
struct RankerTables {
  WordTable words;
  Entities entities;
  Counts counts;
  Neighbours neighbours;
  std::vector<std::vector<int>> item_words;  // of titles and of attributes that are texts (plots)
  std::vector<int> item_years;               // index of its five years, 0: unknown
  // Of each item, the 20 that share most with it, and what share of what they have in common is
  // theirs: an entity counts 1 / (log(3 + deg) sqrt(1 + deg)).
  std::vector<std::vector<std::pair<int, float>>> similar;
};

inline constexpr int kYearBuckets = 32;  // 0 unknown, 1: before 1890, then five years each

// Fills in what is known of the items; the rest is as given.
RankerTables make_tables(WordTable words, Counts counts, Neighbours neighbours,
                         const dialogue::Catalogue& catalogue);

}  // namespace recommend
