#pragma once

#include <vector>

#include "dialogue/recommender.h"
#include "recommend/ranker.h"

namespace recommend {

// What speaks for an item in the counted terms, the strongest first, at most `count`. A term lifts
// an item above its floor by gate * part weight * (score - log f) nats; that is shared out by what
// each word, item named or name adds to the sum under the logarithm: words and what is named by
// them, co-occurrence (and similar, last) by the items named, graph and stated by the people and
// genres that the item has. Words that are said before the item as often as before any other are
// left out. Popularity, votes of neighbours, the bag network and the language
// model's term are not about one thing said and stay out.
std::vector<dialogue::Reason> explain(const Ranker& ranker, const RankContext& context, int item,
                                      const dialogue::Catalogue& catalogue, std::size_t count = 3);

}  // namespace recommend
