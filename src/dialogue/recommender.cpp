#include "dialogue/recommender.h"

#include <map>

namespace dialogue {

std::string describe(const Reason& reason) {
  switch (reason.kind) {
    case Reason::Kind::item:
      return "“" + reason.what + "”";
    case Reason::Kind::word:
      return "the word “" + reason.what + "”";
    case Reason::Kind::name:
      return reason.what;
  }
  return reason.what;
}

std::vector<Reply> reply_to_all(Recommender& recommender, const std::vector<State>& states,
                                const Sampling& sampling) {
  std::map<std::int64_t, std::size_t> open;
  for (std::size_t i = 0; i < states.size(); ++i) {
    Sampling own = sampling;
    own.stream += i;
    open[recommender.open(states[i], own)] = i;
  }
  std::vector<Reply> replies(states.size());
  while (!open.empty()) {
    for (const ReplyStep& step : recommender.step()) {
      const auto found = open.find(step.id);
      if (!step.finished || found == open.end()) continue;
      replies[found->second] = recommender.close(step.id);
      open.erase(found);
    }
  }
  return replies;
}

}  // namespace dialogue
