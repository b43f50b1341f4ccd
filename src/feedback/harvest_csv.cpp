#include <fmt/format.h>

#include "base/time.h"
#include "feedback/dwell.h"
#include "feedback/harvest.h"

namespace feedback {
namespace {

constexpr const char* kNames =
    "conversation,turn,person,model,arm,shown_at,item,title,rank,propensity,viewed,dwell_seconds,"
    "clicked,opened,converted,rating,seen,not_interested,taken,mature_at,suspicions\n";

// A text that a spreadsheet would take for a formula gets an apostrophe before it.
std::string cell(std::string text) {
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos)
    text.insert(0, 1, '\'');
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : "";
}

}  // namespace

std::string to_csv(const Harvest& harvest) {
  std::string out = kNames;
  for (std::size_t r = 0; r < harvest.records.size(); ++r) {
    const ConversationRecord& record = harvest.records[r];
    std::map<std::string, const StoredDecision*> decisions;
    std::map<std::string, std::string> texts;
    for (const StoredDecision& decision : record.decisions) decisions[decision.turn] = &decision;
    for (const StoredTurn& turn : record.turns) texts[turn.id] = turn.text;
    const auto dwells = merge_dwell(record.events);
    std::string suspicions;
    for (const std::string& why : harvest.suspicions[r])
      suspicions += (suspicions.empty() ? "" : "; ") + why;
    for (const Outcome& o : outcomes_of(record, harvest.attribution, harvest.at)) {
      const StoredDecision& decision = *decisions.at(o.turn);
      const auto dwell = dwells.find(o.turn);
      std::optional<double> seconds;
      if (dwell != dwells.end()) seconds = usual_dwell_seconds(dwell->second, texts[o.turn]);
      const auto rating =
          o.opinion.rating ? std::optional<double>(*o.opinion.rating) : std::nullopt;
      out += fmt::format(
          "{},{},{},{},{},{},{},{},{},{},{:d},{},{:d},{:d},{:d},{},{:d},{:d},{},{},{}\n",
          record.conversation.id, o.turn, cell(record.conversation.subject), cell(decision.model),
          cell(decision.arm), base::format_rfc3339(o.shown_at), cell(o.item.item),
          cell(o.item.title), o.item.rank, o.item.propensity, o.viewed, number(seconds), o.clicked,
          o.opened, o.converted, number(rating), o.opinion.seen, o.opinion.not_interested,
          number(o.taken), base::format_rfc3339(o.mature_at), cell(suspicions));
    }
  }
  return out;
}

}  // namespace feedback
