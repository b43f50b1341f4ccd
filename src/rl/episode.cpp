#include "rl/episode.h"

#include "base/error.h"

namespace rl {

std::vector<Episode> roll_out(dialogue::Recommender& recommender,
                              const train::DialogueTokens& tokens,
                              const std::vector<dialogue::State>& states,
                              const dialogue::Sampling& sampling, int positions) {
  base::check(sampling.max_items == 1 && !sampling.stated,
              "roll_out: replies of one item from the whole catalogue can be scored, no others");
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

}  // namespace rl
