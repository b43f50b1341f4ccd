#include "feedback/suspicions.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "feedback/dwell.h"
#include "feedback/relevance.h"

namespace feedback {
namespace {

constexpr std::size_t kMostAMinute = 60;
constexpr std::int64_t kMinute = 60000;
constexpr double kFastestWords = 15;  // a second
constexpr int kFewestFast = 3;

// Of events that were brought in nobody knows how fast they came.
bool is_deliberate(const StoredEvent& event) {
  return !event.flags.contains("imported") && event.type != "dwell" && event.type != "impression" &&
         event.type != "viewable";
}

// Indices of the conversations that have a part in a flood.
std::set<std::size_t> flooded(const std::vector<ConversationRecord>& records) {
  std::vector<std::pair<std::int64_t, std::size_t>> events;  // time, conversation
  for (std::size_t i = 0; i < records.size(); ++i)
    for (const StoredEvent& event : records[i].events)
      if (is_deliberate(event)) events.emplace_back(event.received_at, i);
  std::sort(events.begin(), events.end());
  std::set<std::size_t> found;
  std::size_t begin = 0, told = 0;  // events before `told` are in `found`, or in no flood
  for (std::size_t end = 0; end < events.size(); ++end) {
    while (events[end].first - events[begin].first >= kMinute) ++begin;
    if (end - begin + 1 <= kMostAMinute) continue;
    for (told = std::max(told, begin); told <= end; ++told) found.insert(events[told].second);
  }
  return found;
}

bool dwells_without_a_look(const ConversationRecord& record) {
  double visible = 0;
  std::int64_t activations = 0;
  for (const auto& [turn, dwell] : merge_dwell(record.events)) {
    visible += dwell.visible_ms;
    activations += dwell.activations;
  }
  return visible >= static_cast<double>(kMinute) && activations == 0;
}

bool replies_too_fast(const ConversationRecord& record) {
  std::unordered_map<std::string, const StoredTurn*> turns;
  for (const StoredTurn& turn : record.turns) turns[turn.id] = &turn;
  int fast = 0, all = 0;
  for (const StoredTurn& turn : record.turns) {
    const auto parent = turns.find(turn.parent);
    if (turn.role != dialogue::Role::seeker || parent == turns.end()) continue;
    const double words = static_cast<double>(words_of(parent->second->text).size());
    const double seconds = static_cast<double>(turn.at - parent->second->at) / 1000;
    ++all;
    fast += seconds < words / kFastestWords;
  }
  return fast >= kFewestFast && 2 * fast >= all;
}

bool said_by_the_server(const ConversationRecord& record) {
  return std::any_of(record.events.begin(), record.events.end(), [](const StoredEvent& event) {
    const auto limited = event.flags.find("rate_limited"), score = event.flags.find("bot_score");
    return (limited != event.flags.end() && *limited == true) ||
           (score != event.flags.end() && score->is_number() && score->get<double>() > .5);
  });
}

}  // namespace

std::vector<std::vector<std::string>> find_suspicions(
    const std::vector<ConversationRecord>& of_one_person) {
  const std::set<std::size_t> floods = flooded(of_one_person);
  std::vector<std::vector<std::string>> found;
  for (std::size_t i = 0; i < of_one_person.size(); ++i) {
    const ConversationRecord& record = of_one_person[i];
    std::vector<std::string>& why = found.emplace_back();
    if (floods.count(i)) why.push_back("flood");
    if (dwells_without_a_look(record)) why.push_back("dwell without a look");
    if (replies_too_fast(record)) why.push_back("faster than reading");
    if (said_by_the_server(record)) why.push_back("said by the server");
  }
  return found;
}

}  // namespace feedback
