#include <algorithm>
#include <cmath>

#include "feedback/attribution.h"

namespace feedback {
namespace {

constexpr double kOpened = .6;
constexpr double kMinute = 60e3, kDay = 86400e3;

std::int64_t after(std::int64_t at, double ms) { return at + std::llround(ms); }

// The outcome that an event about an item belongs to, or null.
Outcome* outcome_of(std::vector<Outcome>& outcomes, const StoredEvent& event) {
  Outcome* newest = nullptr;
  for (Outcome& outcome : outcomes) {
    if (outcome.item.item != event.item) continue;
    if (event.turn.empty() ? outcome.shown_at <= event.corrected_at : outcome.turn == event.turn)
      newest = &outcome;
  }
  return newest;
}

void note(Outcome& outcome, const StoredEvent& event, const AttributionSettings& settings) {
  if (event.type == "impression" || event.type == "viewable") outcome.viewed = true;
  if (event.type == "item_click") outcome.clicked = true;
  if (event.type == "item_open") outcome.opened = true;
  if (event.type == "conversion")
    outcome.converted |=
        event.corrected_at <= after(outcome.shown_at, settings.conversion_days * kDay);
}

std::optional<double> taken(const Outcome& outcome, std::int64_t now) {
  if (outcome.converted) return 1;
  if (outcome.opened) return kOpened;
  return now >= outcome.mature_at ? std::optional<double>(0) : std::nullopt;
}

}  // namespace

std::vector<Outcome> outcomes_of(const ConversationRecord& record,
                                 const AttributionSettings& settings, std::int64_t now) {
  const double window = settings.wait_for_conversions ? std::max(settings.session_minutes * kMinute,
                                                                 settings.conversion_days * kDay)
                                                      : settings.session_minutes * kMinute;
  std::vector<Outcome> outcomes;
  for (const StoredDecision& decision : record.decisions)
    for (const StoredItem& item : decision.shown) {
      Outcome outcome;
      outcome.turn = decision.turn;
      outcome.item = item;
      outcome.shown_at = decision.at;
      outcome.mature_at = after(decision.at, window);
      outcome.alone = decision.shown.size() == 1;
      outcomes.push_back(std::move(outcome));
    }
  for (const StoredEvent& event : record.events) {
    if (event.item.empty()) {
      if (event.type == "impression" || event.type == "viewable")
        for (Outcome& outcome : outcomes) outcome.viewed |= outcome.turn == event.turn;
    } else if (Outcome* outcome = outcome_of(outcomes, event)) {
      note(*outcome, event, settings);
    }
  }
  const auto opinions = newest_opinions(record.events);
  for (Outcome& outcome : outcomes) {
    const auto turn = opinions.find(outcome.turn);
    if (turn != opinions.end()) {
      const auto item = turn->second.items.find(outcome.item.item);
      if (item != turn->second.items.end()) outcome.opinion = item->second;
      if (!outcome.opinion.rating && outcome.alone) outcome.opinion.rating = turn->second.rating;
    }
    outcome.taken = taken(outcome, now);
  }
  return outcomes;
}

}  // namespace feedback
