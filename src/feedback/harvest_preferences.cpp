#include <algorithm>

#include "feedback/harvest.h"
#include "feedback/paths.h"

namespace feedback {
namespace {

using dialogue::Role;

// What is needed of one conversation.
struct Judged {
  const ConversationRecord& record;
  std::map<std::string, std::vector<Outcome>> outcomes;  // by turn
  std::map<std::string, TurnOpinion> opinions;

  std::optional<int> rating(const StoredTurn& turn) const {
    const auto found = opinions.find(turn.id);
    return found == opinions.end() ? std::nullopt : found->second.rating;
  }
  bool went_on(const StoredTurn& turn) const {
    return std::any_of(record.turns.begin(), record.turns.end(),
                       [&](const StoredTurn& other) { return other.parent == turn.id; });
  }
  bool was_regenerated(const StoredTurn& turn) const {
    return std::any_of(record.events.begin(), record.events.end(), [&](const StoredEvent& event) {
      return event.type == "regenerate" &&
             (event.turn == turn.id || event.props.value("of", "") == turn.id);
    });
  }
};

Judged judge(const ConversationRecord& record, const AttributionSettings& settings,
             std::int64_t now) {
  Judged judged{record, {}, newest_opinions(record.events)};
  for (Outcome& outcome : outcomes_of(record, settings, now))
    judged.outcomes[outcome.turn].push_back(std::move(outcome));
  return judged;
}

// Whether a reply is desired; nothing where people did not say.
std::optional<bool> desired(const Judged& judged, const StoredTurn& turn) {
  if (const auto rating = judged.rating(turn)) return *rating > 0;
  const auto outcomes = judged.outcomes.find(turn.id);
  if (outcomes == judged.outcomes.end()) return std::nullopt;
  bool any_liked = false, all_unwanted = true, any_taken = false;
  for (const Outcome& outcome : outcomes->second) {
    const bool unwanted = outcome.opinion.not_interested || outcome.opinion.rating == -1;
    any_liked |= outcome.opinion.rating == 1;
    all_unwanted &= unwanted;
    any_taken |= !unwanted && outcome.taken.value_or(0) > 0;
  }
  if (any_liked) return true;
  if (all_unwanted) return false;
  return any_taken ? std::optional(true) : std::nullopt;
}

// Above 0: people prefer a to b; below: b to a; 0: nobody knows.
int preference(const Judged& judged, const StoredTurn& a, const StoredTurn& b) {
  const auto of_a = judged.rating(a), of_b = judged.rating(b);
  if (of_a || of_b) return of_a.value_or(0) - of_b.value_or(0);
  const bool kept_a = judged.went_on(a), kept_b = judged.went_on(b);
  if (kept_a == kept_b) return 0;
  return kept_a ? judged.was_regenerated(b) : -static_cast<int>(judged.was_regenerated(a));
}

class Writer {
 public:
  Writer(const dialogue::Catalogue& catalogue, dialogue::Preferences& out)
      : catalogue_(catalogue), out_(out) {}

  void add(const Judged& judged) {
    const auto& turns = judged.record.turns;
    for (std::size_t i = 0; i < turns.size(); ++i) {
      if (turns[i].role != Role::recommender) continue;
      const auto prompt = prompt_of(turns, i);
      if (prompt.empty()) continue;
      if (const auto label = desired(judged, turns[i]))
        out_.judgements.push_back({prompt, turn_of(turns[i]), *label});
      for (std::size_t j = i + 1; j < turns.size(); ++j) {
        if (turns[j].role != Role::recommender || turns[j].parent != turns[i].parent) continue;
        const int preferred = preference(judged, turns[i], turns[j]);
        if (preferred == 0 || turns[i].text == turns[j].text) continue;
        const StoredTurn &better = preferred > 0 ? turns[i] : turns[j],
                         &worse = preferred > 0 ? turns[j] : turns[i];
        out_.pairs.push_back({prompt, turn_of(better), turn_of(worse)});
      }
    }
  }

 private:
  std::vector<dialogue::Turn> prompt_of(const std::vector<StoredTurn>& turns, std::size_t reply) {
    std::vector<dialogue::Turn> prompt;
    for (std::size_t turn : path_to(turns, reply)) prompt.push_back(turn_of(turns[turn]));
    return prompt;
  }
  dialogue::Turn turn_of(const StoredTurn& stored) {
    dialogue::Turn turn;
    turn.id = stored.id;
    turn.role = stored.role;
    turn.text = stored.text;
    for (const StoredMention& mention : stored.mentions)
      if (const auto item = catalogue_.find(mention.item))
        turn.mentions.push_back({*item, mention.begin, mention.end});
    return turn;
  }

  const dialogue::Catalogue& catalogue_;
  dialogue::Preferences& out_;
};

}  // namespace

dialogue::Preferences to_preferences(const Harvest& harvest) {
  dialogue::Preferences out;
  Writer writer(harvest.catalogue, out);
  for (const ConversationRecord& record : harvest.records)
    writer.add(judge(record, harvest.attribution, harvest.at));
  return out;
}

}  // namespace feedback
