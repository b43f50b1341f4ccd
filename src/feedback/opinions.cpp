#include "feedback/opinions.h"

#include <algorithm>
#include <tuple>

namespace feedback {
namespace {

std::vector<std::string> reasons_of(const base::Json& props) {
  std::vector<std::string> reasons;
  const auto found = props.find("reasons");
  if (found == props.end() || !found->is_array()) return reasons;
  for (const base::Json& reason : *found)
    if (reason.is_string()) reasons.push_back(reason.get<std::string>());
  return reasons;
}

std::optional<int> rating_of(const base::Json& props) {
  const auto found = props.find("value");
  if (found == props.end() || !found->is_number()) return std::nullopt;
  const double value = found->get<double>();
  return value > 0 ? std::optional(1) : value < 0 ? std::optional(-1) : std::nullopt;
}

bool is_false(const base::Json& props) {
  const auto found = props.find("value");
  return found != props.end() && found->is_boolean() && !found->get<bool>();
}

void rate(std::optional<int>& rating, std::vector<std::string>& reasons, const base::Json& props) {
  rating = rating_of(props);
  reasons = reasons_of(props);
}

void take(TurnOpinion& turn, const StoredEvent& event) {
  if (event.item.empty()) {
    if (event.type == "rating") rate(turn.rating, turn.reasons, event.props);
    return;
  }
  ItemOpinion& item = turn.items[event.item];
  if (event.type == "rating") {
    rate(item.rating, item.reasons, event.props);
  } else if (event.type == "not_interested") {
    item.not_interested = !is_false(event.props);
    item.reasons = reasons_of(event.props);
  } else if (event.type == "seen") {
    item.seen = !is_false(event.props);
  } else if (event.type == "undo") {
    item.not_interested = false;
    item.reasons.clear();
  }
}

}  // namespace

std::map<std::string, TurnOpinion> newest_opinions(const std::vector<StoredEvent>& events) {
  std::vector<const StoredEvent*> sorted;
  for (const StoredEvent& event : events)
    if (!event.turn.empty() && (event.type == "rating" || event.type == "not_interested" ||
                                event.type == "seen" || event.type == "undo"))
      sorted.push_back(&event);
  const auto place = [](const StoredEvent* event) {
    return std::tuple(event->corrected_at, event->page_seq, event->seq);
  };
  std::sort(sorted.begin(), sorted.end(),
            [&](const StoredEvent* a, const StoredEvent* b) { return place(a) < place(b); });
  std::map<std::string, TurnOpinion> opinions;
  for (const StoredEvent* event : sorted) take(opinions[event->turn], *event);
  return opinions;
}

}  // namespace feedback
