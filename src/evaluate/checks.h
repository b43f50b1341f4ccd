#pragma once

#include <string>
#include <vector>

#include "evaluate/instances.h"
#include "evaluate/scores.h"
#include "evaluate/text_metrics.h"

namespace evaluate {

// Each gives sentences for ReportData::warnings; none where nothing is amiss.

// What the scores themselves say: NDCG@5 / HR@5 outside .60 … .85 in V1 or V2; a model that does
// not beat popularity; a figure among sampled candidates without the row of popularity beside it.
std::vector<std::string> check_scores(const std::vector<ModelScores>& models);

// Leaks into what models see: a message that stands in its own context; an item of V2 that a turn
// of the context names; titles of V2's items that stand in the context's words, where that is so
// for more than one pair in 50 (a few are films that people spoke of without a mention).
std::vector<std::string> check_instances(const std::vector<Instance>& instances,
                                         const dialogue::Catalogue& catalogue);

// Replies, or what was really said, of five words or more that stand word for word in their own
// prompt, where that is so for more than one in 50 of such texts.
std::vector<std::string> check_responses(const std::string& model,
                                         const std::vector<Response>& responses);

}  // namespace evaluate
