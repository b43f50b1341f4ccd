#include "rl/episode.h"

#include <algorithm>

#include "base/error.h"

namespace rl {

std::vector<Episode> roll_out(dialogue::Recommender& recommender,
                              const train::DialogueTokens& tokens,
                              const std::vector<dialogue::State>& states,
                              const dialogue::Sampling& sampling, int positions) {
  base::check(
      sampling.max_items == 1 && !sampling.stated && sampling.draws_from_all_words(),
      "roll_out: replies of one item from the whole catalogue, of words drawn from all, can "
      "be scored, no others");
  std::vector<dialogue::Reply> replies = dialogue::reply_to_all(recommender, states, sampling);
  std::vector<Episode> episodes;
  for (std::size_t i = 0; i < states.size(); ++i) {
    Episode episode;
    episode.state = states[i];
    episode.action = std::move(replies[i].action);
    episode.prompt = tokens.encode_prompt(states[i], positions - sampling.max_tokens - 2);
    episode.tokens = std::move(replies[i].decision.tokens);
    episode.sampled_log_probs = std::move(replies[i].decision.log_probs);
    episode.has_item = episode.action.item.has_value();
    episodes.push_back(std::move(episode));
  }
  return episodes;
}

std::optional<Episode> said_reply(const dialogue::State& state, const dialogue::Turn& turn,
                                  const train::DialogueTokens& tokens, int max_tokens,
                                  int positions) {
  if (turn.items().size() > 1) return std::nullopt;
  std::vector<dialogue::Piece> pieces = dialogue::render_turn(turn);
  pieces.erase(pieces.begin());  // <|recommender|>, which ends the prompt
  Episode episode;
  episode.state = state;
  episode.prompt = tokens.encode_prompt(state, positions - max_tokens - 2);
  episode.tokens = tokens.encode(pieces);
  episode.action.text = turn.text;
  episode.action.mentions = turn.mentions;
  episode.action.recommends = !turn.mentions.empty();
  episode.action.ended = true;
  episode.has_item = episode.action.recommends;
  if (episode.has_item) episode.action.item = turn.mentions.front().item;
  const std::size_t room = static_cast<std::size_t>(max_tokens) + 1 + episode.has_item;
  if (episode.tokens.size() > room) {
    episode.tokens.resize(room - 1);
    const bool names =
        std::count(episode.tokens.begin(), episode.tokens.end(), episode.tokens[1]) > 1;
    if (episode.has_item && !names) return std::nullopt;  // no reply ends before it names its item
    episode.tokens.push_back(tokens.special(dialogue::Special::end));
  }
  return episode;
}

std::vector<Episode> logged_replies(const std::vector<Place>& places,
                                    const train::DialogueTokens& tokens,
                                    const dialogue::StateOptions& options, int max_tokens,
                                    int positions) {
  const std::vector<dialogue::State> states = states_before(places, options);
  std::vector<Episode> episodes;
  for (std::size_t i = 0; i < places.size(); ++i)
    if (auto episode = said_reply(states[i], places[i].dialogue->turns[places[i].turn], tokens,
                                  max_tokens, positions))
      episodes.push_back(std::move(*episode));
  return episodes;
}

}  // namespace rl
