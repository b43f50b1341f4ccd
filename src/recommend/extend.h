#pragma once

#include <vector>

#include "recommend/model_folder.h"

namespace recommend {

// The same recommender over a larger catalogue: nothing is trained, rankings of the items that were
// there keep their order among themselves. A new item begins as the 20 items that share most with
// it (RankerTables::similar) are on average: its token, its vector in each bag network and in the
// language term; where it shares nothing, as all items are on average. Its counts are 0, so it is
// recommended for its people, genres, year and words alone. Throws base::Error(data) where an
// item's id is taken, or where the model has an adapter (merge it first).
TrainedModel extend_catalogue(const TrainedModel& model, const std::vector<dialogue::Item>& items);

}  // namespace recommend
