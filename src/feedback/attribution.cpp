#include "feedback/attribution.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "feedback/dwell.h"
#include "feedback/paths.h"

namespace feedback {
namespace {

using dialogue::Dialogue;
using dialogue::Event;
using dialogue::Role;

const std::set<std::string> kKept = {"item_click", "copy", "regenerate",
                                     "stop",       "edit", "session_end"};

// What is known of a conversation's turns, by their ids.
struct Known {
  std::map<std::string, std::vector<const Outcome*>> outcomes;
  std::map<std::string, Dwell> dwell;
  std::map<std::string, TurnOpinion> opinions;
};

double seconds(std::int64_t at, std::int64_t begun) {
  return static_cast<double>(std::max<std::int64_t>(0, at - begun)) / 1000;
}

dialogue::Turn turn_of(const StoredTurn& stored, std::int64_t begun, const ItemNumber& number) {
  dialogue::Turn turn;
  turn.id = stored.id;
  turn.role = stored.role;
  turn.text = stored.text;
  turn.time = seconds(stored.at, begun);
  for (const StoredMention& mention : stored.mentions)
    if (const auto item = number(mention.item))
      turn.mentions.push_back({*item, mention.begin, mention.end});
  return turn;
}

// What was measured or said of one turn, the surest acceptance first.
void add_events(Dialogue& dialogue, const StoredTurn& turn, const Known& known,
                const ItemNumber& number) {
  std::vector<Event> accepts;
  const auto outcomes = known.outcomes.find(turn.id);
  if (outcomes != known.outcomes.end())
    for (const Outcome* outcome : outcomes->second) {
      if (!number(outcome->item.item)) continue;
      if (outcome->viewed)
        dialogue.events.push_back({"impression", turn.id, outcome->item.item, {}, {}});
      if (outcome->taken.value_or(0) > 0)
        accepts.push_back({"accept", turn.id, outcome->item.item, {}, outcome->taken});
    }
  const auto dwell = known.dwell.find(turn.id);
  if (dwell != known.dwell.end())
    dialogue.events.push_back(
        {"dwell", turn.id, "", {}, usual_dwell_seconds(dwell->second, turn.text)});
  std::stable_sort(accepts.begin(), accepts.end(),
                   [](const Event& a, const Event& b) { return *a.value > *b.value; });
  dialogue.events.insert(dialogue.events.end(), accepts.begin(), accepts.end());
  // A rating that is a label must not be a signal, too: signals are held against labels.
  const bool is_label = outcomes != known.outcomes.end() && outcomes->second.front()->alone;
  const auto opinion = known.opinions.find(turn.id);
  if (opinion != known.opinions.end() && opinion->second.rating && !is_label)
    dialogue.events.push_back({"rating", turn.id, "", {}, *opinion->second.rating});
}

// One label an item; where several turns showed it, what was said last.
void add_labels(Dialogue& dialogue, const StoredTurn& turn, const Known& known,
                const ItemNumber& number) {
  const auto outcomes = known.outcomes.find(turn.id);
  if (outcomes == known.outcomes.end()) return;
  for (const Outcome* outcome : outcomes->second) {
    const ItemOpinion& opinion = outcome->opinion;
    const std::optional<int> item = number(outcome->item.item);
    if (!item || !opinion.says_anything()) continue;
    dialogue::Label label;
    label.item = *item;
    label.suggested = true;
    label.seen = opinion.seen;
    if (opinion.rating)
      label.liked = *opinion.rating > 0;
    else if (opinion.not_interested)
      label.liked = false;
    std::erase_if(dialogue.seeker_labels, [&](const auto& old) { return old.item == *item; });
    dialogue.seeker_labels.push_back(label);
  }
}

// The other events about these turns or about no turn, with their times.
void add_others(Dialogue& dialogue, const ConversationRecord& record, std::int64_t begun,
                const std::set<std::string>& turns, bool first, const ItemNumber& number) {
  for (const StoredEvent& event : record.events) {
    const bool about = event.turn.empty() ? first : turns.count(event.turn) > 0;
    if (!about || !kKept.count(event.type)) continue;
    const bool named = !event.item.empty() && number(event.item);
    dialogue.events.push_back(
        {event.type, event.turn, named ? event.item : "", seconds(event.corrected_at, begun), {}});
  }
}

bool is_mature(const Path& path, const ConversationRecord& record, const Known& known,
               std::int64_t now) {
  for (std::size_t i = path.shared; i < path.turns.size(); ++i) {
    const auto outcomes = known.outcomes.find(record.turns[path.turns[i]].id);
    if (outcomes == known.outcomes.end()) continue;
    for (const Outcome* outcome : outcomes->second)
      if (now < outcome->mature_at) return false;
  }
  return true;
}

Dialogue dialogue_of(const Path& path, std::size_t place, std::size_t paths,
                     const ConversationRecord& record, const Known& known,
                     const ItemNumber& number) {
  const StoredConversation& conversation = record.conversation;
  const std::int64_t begun =
      path.turns.empty() ? conversation.created_at : record.turns[path.turns.front()].at;
  Dialogue dialogue;
  dialogue.id = conversation.id;
  dialogue.seeker = conversation.subject;
  dialogue.recommender = record.decisions.empty() ? "" : record.decisions.back().model;
  dialogue.order = conversation.created_at;
  dialogue.source = "feedback";
  if (paths > 1) {
    dialogue.part_of = conversation.id;
    if (place > 0) dialogue.id += "." + std::to_string(place + 1);
    dialogue.targets.emplace();
    dialogue.events.push_back({"branch", "", "", {}, {}});
  }
  std::set<std::string> counted;
  for (std::size_t i = 0; i < path.turns.size(); ++i) {
    const StoredTurn& turn = record.turns[path.turns[i]];
    dialogue.turns.push_back(turn_of(turn, begun, number));
    if (i < path.shared || turn.role != Role::recommender) continue;
    counted.insert(turn.id);
    if (dialogue.targets) dialogue.targets->push_back(static_cast<int>(i));
    add_events(dialogue, turn, known, number);
    add_labels(dialogue, turn, known, number);
  }
  add_others(dialogue, record, begun, counted, place == 0, number);
  return dialogue;
}

bool has_new_reply(const Path& path, const ConversationRecord& record) {
  for (std::size_t i = path.shared; i < path.turns.size(); ++i)
    if (record.turns[path.turns[i]].role == Role::recommender) return true;
  return false;
}

}  // namespace

Attributed attribute(const ConversationRecord& record, const AttributionSettings& settings,
                     std::int64_t now, const ItemNumber& number) {
  const std::vector<Outcome> outcomes = outcomes_of(record, settings, now);
  Known known;
  for (const Outcome& outcome : outcomes) known.outcomes[outcome.turn].push_back(&outcome);
  known.dwell = merge_dwell(record.events);
  known.opinions = newest_opinions(record.events);
  const std::vector<Path> paths = paths_of(record.turns);
  Attributed attributed;
  for (std::size_t place = 0; place < paths.size(); ++place) {
    if (!has_new_reply(paths[place], record)) continue;
    if (is_mature(paths[place], record, known, now))
      attributed.dialogues.push_back(
          dialogue_of(paths[place], place, paths.size(), record, known, number));
    else
      ++attributed.immature;
  }
  return attributed;
}

}  // namespace feedback
