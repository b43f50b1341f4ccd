#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "feedback/attribution.h"
#include "feedback/store.h"

namespace feedback {

// How many items with an outcome or an opinion each person has.
std::map<std::string, std::int64_t> count_labels(const std::vector<ConversationRecord>& records,
                                                 const AttributionSettings& settings,
                                                 std::int64_t now);

// The largest part of all of them that one person has, 0 where there are none.
double largest_share(const std::map<std::string, std::int64_t>& labels);

// Which records stay so that nobody has more than `share` of the labels: all of those who have few
// enough; of the others the newest, as whole conversations, and those without labels. Records are
// by person, then age. Throws base::DataError where there are too few people for that.
std::vector<bool> within_share(const std::vector<ConversationRecord>& records, double share,
                               const AttributionSettings& settings, std::int64_t now);

}  // namespace feedback
