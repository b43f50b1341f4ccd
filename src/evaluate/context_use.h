#pragma once

#include <vector>

#include "dialogue/recommender.h"
#include "evaluate/instances.h"
#include "evaluate/scores.h"

namespace evaluate {

// What a recommender makes of the conversation, over at most `most` dialogues that have two
// messages or more, spread over all:
//   weight       of what the seeker said: the total variation distance, 0 … 1, between the
//                probabilities of the items in a state and in the same state without the seeker's
//                turns and the items that only they named. 0: it does not listen.
//   consistency  the share of the ten best items before one message that are among the ten best
//                before the dialogue's next one, items named by then left out of the first.
// A policy that games its reward may drift off both. Nothing where there is no such dialogue.
std::optional<ContextScores> context_use(dialogue::Recommender& recommender,
                                         const std::vector<Instance>& instances,
                                         std::size_t most = 200);

}  // namespace evaluate
