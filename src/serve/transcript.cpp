#include "serve/transcript.h"

#include <algorithm>
#include <map>

#include "dialogue/find_titles.h"
#include "serve/api_error.h"

namespace serve {

std::vector<feedback::StoredTurn> path_to(const std::vector<feedback::StoredTurn>& turns,
                                          const std::string& leaf) {
  std::map<std::string, const feedback::StoredTurn*> by_id;
  for (const feedback::StoredTurn& turn : turns) by_id[turn.id] = &turn;
  std::vector<feedback::StoredTurn> path;
  std::size_t bytes = 0;
  for (std::string at = leaf; !at.empty();) {
    const auto found = by_id.find(at);
    if (found == by_id.end())
      throw ApiError(404, "unknown_turn", "the conversation has no turn " + at, "parent_id");
    path.push_back(*found->second);
    if ((bytes += path.back().text.size()) > kMostText)
      throw ApiError(400, "conversation_too_long", "the conversation is too long: begin another",
                     "parent_id");
    // A parent is always older than its children: this ends.
    at = found->second->parent;
    by_id.erase(found);
  }
  std::reverse(path.begin(), path.end());
  return path;
}

Transcriber::Transcriber(const ServedModel& model)
    : model_(model), titles_(dialogue::title_finder(*model.catalogue)) {}

dialogue::Turn Transcriber::read(dialogue::Role role, const std::string& text) const {
  dialogue::Turn turn;
  turn.role = role;
  turn.text = text;
  for (const dialogue::FoundName& found : titles_.find(text))
    turn.mentions.push_back({found.id, found.begin, found.end});
  if (role == dialogue::Role::seeker && model_.sentiment)
    dialogue::read_sentiment(turn, model_.sentiment);
  return turn;
}

dialogue::Turn Transcriber::read(const feedback::StoredTurn& stored) const {
  dialogue::Turn turn;
  turn.id = stored.id;
  turn.role = stored.role;
  turn.text = stored.text;
  for (const feedback::StoredMention& mention : stored.mentions)
    if (const auto item = model_.catalogue->find(mention.item))
      turn.mentions.push_back({*item, mention.begin, mention.end});
  if (turn.role == dialogue::Role::seeker && model_.sentiment)
    dialogue::read_sentiment(turn, model_.sentiment);
  return turn;
}

std::vector<dialogue::Turn> Transcriber::read(
    const std::vector<feedback::StoredTurn>& turns) const {
  std::vector<dialogue::Turn> out;
  for (const feedback::StoredTurn& turn : turns) out.push_back(read(turn));
  return out;
}

dialogue::State Transcriber::state(std::vector<dialogue::Turn> turns) const {
  dialogue::Dialogue talk;
  talk.turns = std::move(turns);
  return dialogue::state_before(talk, talk.turns.size(), model_.state);
}

std::vector<feedback::StoredMention> Transcriber::mentions(const dialogue::Turn& turn) const {
  std::vector<feedback::StoredMention> out;
  for (const dialogue::Mention& mention : turn.mentions)
    out.push_back({(*model_.catalogue)[mention.item].id, mention.begin, mention.end});
  return out;
}

std::vector<feedback::StoredMention> Transcriber::mentions(const std::string& words,
                                                           const dialogue::Turn& turn) const {
  return mentions(turn.text == words ? turn : read(dialogue::Role::recommender, words));
}

}  // namespace serve
