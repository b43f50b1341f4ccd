#include "feedback/dwell.h"

#include <algorithm>

#include "feedback/relevance.h"

namespace feedback {
namespace {

constexpr double kWordsPerSecond = 4, kToBegin = 1, kUsualWords = 20, kMost = 5;

double number(const base::Json& props, const char* key) {
  const auto found = props.find(key);
  return found != props.end() && found->is_number() ? std::max(0., found->get<double>()) : 0;
}

double seconds_for(double words) { return kToBegin + words / kWordsPerSecond; }

}  // namespace

std::map<std::string, Dwell> merge_dwell(const std::vector<StoredEvent>& events) {
  std::map<std::pair<std::string, std::string>, Dwell> of_page;  // turn, page
  for (const StoredEvent& event : events) {
    if (event.type != "dwell" || event.turn.empty()) continue;
    Dwell& dwell = of_page[{event.turn, event.page}];
    dwell.visible_ms = std::max(dwell.visible_ms, number(event.props, "visible_ms"));
    dwell.after_ms = std::max(dwell.after_ms, number(event.props, "after_ms"));
    dwell.activations =
        std::max(dwell.activations, static_cast<std::int64_t>(number(event.props, "activations")));
  }
  std::map<std::string, Dwell> merged;
  for (const auto& [place, dwell] : of_page) {
    Dwell& sum = merged[place.first];
    sum.visible_ms += dwell.visible_ms;
    sum.after_ms += dwell.after_ms;
    sum.activations += dwell.activations;
  }
  return merged;
}

double reading_seconds(std::string_view text) {
  return seconds_for(static_cast<double>(words_of(text).size()));
}

double usual_dwell_seconds(const Dwell& dwell, std::string_view text) {
  return std::min(dwell.after_ms / 1000 / reading_seconds(text), kMost) * seconds_for(kUsualWords);
}

Dwell dwell_of_usual_seconds(double seconds, std::string_view text) {
  const double after_ms = seconds / seconds_for(kUsualWords) * reading_seconds(text) * 1000;
  return {after_ms, after_ms, 1};
}

}  // namespace feedback
