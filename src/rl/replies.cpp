#include "rl/replies.h"

#include <algorithm>
#include <map>

namespace rl {

Replaced replace_equal(Replies replies, Replies more, int each) {
  const auto size = static_cast<std::size_t>(each);
  const auto teaches = [&](const Replies& of, std::size_t from) {
    const auto begin = of.scores.begin() + static_cast<std::ptrdiff_t>(from);
    const auto [low, high] = std::minmax_element(begin, begin + each);
    return *low < *high;
  };
  std::size_t next = 0, left = 0;
  for (std::size_t from = 0; from + size <= replies.scores.size(); from += size) {
    if (teaches(replies, from)) continue;
    while (next < more.scores.size() && !teaches(more, next)) next += size;
    if (next >= more.scores.size()) {
      left += 1;
      continue;
    }
    for (std::size_t i = 0; i < size; ++i) {
      replies.episodes[from + i] = std::move(more.episodes[next + i]);
      replies.scores[from + i] = more.scores[next + i];
    }
    next += size;
  }
  return {std::move(replies), left};
}

std::vector<JudgedUnit> read_judged(const std::vector<std::vector<JudgedReply>>& judged,
                                    const train::DialogueTokens& tokens, PairedModes modes,
                                    int max_tokens, int positions) {
  std::vector<JudgedUnit> units;
  for (const std::vector<JudgedReply>& unit : judged) {
    JudgedUnit own;
    for (const JudgedReply& one : unit)
      if (auto episode = said_reply(one.state, one.reply, tokens, max_tokens, positions))
        own.emplace_back(std::move(*episode), one.score);
    const bool alike =
        modes == PairedModes::any || std::all_of(own.begin(), own.end(), [&](const auto& one) {
          return one.first.action.recommends == own[0].first.action.recommends;
        });
    if (own.size() == unit.size() && alike) units.push_back(std::move(own));
  }
  return units;
}

Replies draw_judged(const std::vector<JudgedUnit>& judged, int count, const base::RandomPlace& at) {
  base::Random random(at);
  Replies replies;
  std::map<std::vector<int>, int> prompts;
  int next = 0;
  while (replies.episodes.size() < static_cast<std::size_t>(count)) {
    const JudgedUnit& unit = judged[random.below(judged.size())];
    const bool alone = unit.size() == 1;
    const int state = alone ? prompts.try_emplace(unit[0].first.prompt, next).first->second : next;
    if (state == next) ++next;
    for (const auto& [episode, score] : unit) {
      replies.episodes.push_back(episode);
      replies.scores.push_back(score);
      replies.states.push_back(state);
    }
  }
  return replies;
}

}  // namespace rl
