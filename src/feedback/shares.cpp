#include "feedback/shares.h"

#include <algorithm>

#include "base/error.h"

namespace feedback {
namespace {

using Labels = std::map<std::string, std::int64_t>;  // by person

std::int64_t labels_of(const ConversationRecord& record, const AttributionSettings& settings,
                       std::int64_t now) {
  const std::vector<Outcome> outcomes = outcomes_of(record, settings, now);
  return std::count_if(outcomes.begin(), outcomes.end(), [](const Outcome& outcome) {
    return outcome.taken || outcome.opinion.says_anything();
  });
}

std::int64_t sum_of(const Labels& labels, std::int64_t most = INT64_MAX) {
  std::int64_t sum = 0;
  for (const auto& [person, count] : labels) sum += std::min(count, most);
  return sum;
}

std::int64_t people_in(const Labels& labels) {
  return std::count_if(labels.begin(), labels.end(), [](const auto& of) { return of.second > 0; });
}

// The most labels that somebody may have so that nobody has more than `share` of all once what is
// above it is taken off; 0 where there are too few people for any.
std::int64_t most_labels(const Labels& labels, double share) {
  // The sum of what is left grows ever slower with what one may have: from the first that is too
  // many on all are.
  std::int64_t few = 0, many = 0;
  for (const auto& [person, count] : labels) many = std::max(many, count);
  const auto fits = [&](std::int64_t most) {
    return static_cast<double>(most) <= share * static_cast<double>(sum_of(labels, most)) + 1e-9;
  };
  while (few < many) {
    const std::int64_t middle = few + (many - few + 1) / 2;
    if (fits(middle))
      few = middle;
    else
      many = middle - 1;
  }
  return few;
}

// Leaves out what stands above `most` of a person, the oldest first.
void leave_out(const std::vector<ConversationRecord>& records,
               const std::vector<std::int64_t>& counts, std::int64_t most,
               std::vector<bool>& stays) {
  Labels kept;
  for (std::size_t i = records.size(); i-- > 0;) {
    std::int64_t& of_person = kept[records[i].conversation.subject];
    if (!stays[i]) continue;
    stays[i] = of_person + counts[i] <= most;
    if (stays[i]) of_person += counts[i];
  }
}

}  // namespace

Labels count_labels(const std::vector<ConversationRecord>& records,
                    const AttributionSettings& settings, std::int64_t now) {
  Labels labels;
  for (const ConversationRecord& record : records)
    labels[record.conversation.subject] += labels_of(record, settings, now);
  return labels;
}

double largest_share(const Labels& labels) {
  std::int64_t most = 0;
  for (const auto& [person, count] : labels) most = std::max(most, count);
  return most ? static_cast<double>(most) / static_cast<double>(sum_of(labels)) : 0;
}

std::vector<bool> within_share(const std::vector<ConversationRecord>& records, double share,
                               const AttributionSettings& settings, std::int64_t now) {
  std::vector<std::int64_t> counts;
  for (const ConversationRecord& record : records)
    counts.push_back(labels_of(record, settings, now));
  std::vector<bool> stays(records.size(), true);
  // Conversations go as a whole, so that more goes than has to: then less is left to have a part
  // of.
  while (true) {
    Labels labels;
    for (std::size_t i = 0; i < records.size(); ++i)
      if (stays[i]) labels[records[i].conversation.subject] += counts[i];
    if (largest_share(labels) <= share + 1e-9) return stays;
    const std::int64_t most = most_labels(labels, share);
    if (most == 0)
      throw base::DataError("store", ": has labels of ", people_in(labels),
                            " people, too few for each to have at most ", 100 * share,
                            " % of them; wait for more or allow more");
    leave_out(records, counts, most, stays);
  }
}

}  // namespace feedback
