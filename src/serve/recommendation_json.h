#pragma once

#include <string>
#include <vector>

#include "dialogue/recommender.h"
#include "feedback/store.h"
#include "serve/served_model.h"

namespace serve {

// Why, each reason with its kind, its weight and a text for people.
base::Json to_json(const std::vector<dialogue::Reason>& reasons);

// An item as answers show it: item_id, title, year, attributes, rank, score, and, where it was
// drawn, its propensity; reasons with a text for people.
base::Json to_json(const dialogue::Catalogue& catalogue, int item, int rank, double score,
                   const std::vector<dialogue::Reason>& reasons);

// What a reply recommended.
base::Json to_json(const dialogue::Catalogue& catalogue, const dialogue::DecisionRecord& decision);

// The same of a decision that was stored; items that the catalogue no longer has keep id and title.
base::Json to_json(const dialogue::Catalogue& catalogue, const feedback::StoredDecision& decision);

}  // namespace serve
