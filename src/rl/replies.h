#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/random.h"
#include "rl/episode.h"

namespace rl {

// What an iteration learns words from: replies, each with its score and the number of its state.
// Replies to one state share its number and stand side by side.
struct Replies {
  std::vector<Episode> episodes;
  std::vector<double> scores;
  std::vector<int> states;
};

// `replies` with states of `more` whose replies score apart in place of its own whose do not. Both
// hold `each` replies a state; the numbers of states stay as they are.
struct Replaced {
  Replies replies;
  std::size_t equal = 0;  // states left whose replies score alike
};
Replaced replace_equal(Replies replies, Replies more, int each);

// A reply that somebody judged.
struct JudgedReply {
  dialogue::State state;
  dialogue::Turn reply;
  double score = 0;  // of a pair the preferred one's is larger; of one alone 1 or -1
};

// A pair or a reply alone, ready to be learned from, with scores.
using JudgedUnit = std::vector<std::pair<Episode, double>>;

// Units of judged replies as episodes, in their order. What the policy could not have said
// (said_reply) is left out, and where modes must be alike, pairs of different modes are.
enum class PairedModes { any, alike };
std::vector<JudgedUnit> read_judged(const std::vector<std::vector<JudgedReply>>& judged,
                                    const train::DialogueTokens& tokens, PairedModes modes,
                                    int max_tokens, int positions);

// Units drawn with replacement, each equally likely, until there are `count` replies or one more;
// every pair has a state number of its own, replies alone to one prompt share one. There must be a
// unit.
Replies draw_judged(const std::vector<JudgedUnit>& judged, int count, const base::RandomPlace& at);

}  // namespace rl
