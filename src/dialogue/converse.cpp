#include "dialogue/converse.h"

#include <algorithm>

namespace dialogue {
namespace {

void add_turn(Dialogue& dialogue, Turn turn, const ConverseOptions& options) {
  turn.id = std::to_string(dialogue.turns.size());
  if (turn.role == Role::seeker && options.sentiment) read_sentiment(turn, options.sentiment);
  dialogue.turns.push_back(std::move(turn));
}

void take_reply(Conversation& talk, Reply reply, const Catalogue& catalogue,
                const ConverseOptions& options) {
  Dialogue& dialogue = talk.dialogue;
  Turn turn = to_turn(reply.action, catalogue);
  if (const std::optional<double> asked = dialogue.turns.back().time)
    turn.time =
        *asked + 1 + .1 * static_cast<double>(std::count(turn.text.begin(), turn.text.end(), ' '));
  add_turn(dialogue, std::move(turn), options);
  talk.decisions.push_back(std::move(reply.decision));
  Reaction reaction = talk.user->react(dialogue.turns.back());
  if (reaction.turn) add_turn(dialogue, std::move(*reaction.turn), options);
  dialogue.events.insert(dialogue.events.end(), reaction.events.begin(), reaction.events.end());
  talk.left = reaction.leaves;
}

}  // namespace

Conversation begin(Dialogue dialogue, User& user, const ConverseOptions& options) {
  Conversation talk{std::move(dialogue), &user};
  add_turn(talk.dialogue, user.begin(), options);
  return talk;
}

void converse(Recommender& recommender, const Catalogue& catalogue,
              std::vector<Conversation>& conversations, std::uint64_t batch,
              const ConverseOptions& options) {
  for (int turn = 0; turn < options.max_turns; ++turn) {
    std::vector<State> states;
    std::vector<Conversation*> talking;
    for (Conversation& talk : conversations) {
      if (talk.left) continue;
      states.push_back(state_before(talk.dialogue, talk.dialogue.turns.size(), options.state));
      talking.push_back(&talk);
    }
    if (states.empty()) return;
    Sampling sampling = options.sampling;
    sampling.stream = static_cast<std::uint64_t>(turn) << 32 | batch;
    std::vector<Reply> replies = reply_to_all(recommender, states, sampling);
    for (std::size_t i = 0; i < talking.size(); ++i)
      take_reply(*talking[i], std::move(replies[i]), catalogue, options);
  }
}

Turn to_turn(const Action& action, const Catalogue& catalogue) {
  Turn turn;
  turn.role = Role::recommender;
  turn.text = action.text;
  turn.mentions = action.mentions;
  const std::vector<int> named = turn.items();
  if (!action.item || std::find(named.begin(), named.end(), *action.item) != named.end())
    return turn;
  const std::string& title = catalogue[*action.item].title;
  const std::string front = title + (turn.text.empty() ? "" : ". ");
  for (Mention& mention : turn.mentions) {
    mention.begin += front.size();
    mention.end += front.size();
  }
  turn.text = front + turn.text;
  turn.mentions.insert(turn.mentions.begin(), {*action.item, 0, title.size()});
  return turn;
}

}  // namespace dialogue
