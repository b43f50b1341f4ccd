#pragma once

#include <vector>

#include "dialogue/recommender.h"
#include "evaluate/instances.h"
#include "evaluate/scores.h"

namespace evaluate {

// What a recommender makes of the conversation, over at most `most` dialogues that have two
// messages or more, spread over all:
//   weight       of what the seeker said: the total variation distance, 0 … 1, between the
//                probabilities of the new items of a state in it and in the same state without the
//                seeker's turns, the items that they named last and who liked what. Items named in
//                the state are left out of both, so that a recommender that never repeats one and
//                does not listen has 0.
//   consistency  the share of the ten best items before one message that are among the ten best
//                before the dialogue's next one, items named by then left out of the first.
// A policy that games its reward may drift off both. Nothing where there is no such dialogue.
std::optional<ContextScores> context_use(dialogue::Recommender& recommender,
                                         const std::vector<Instance>& instances,
                                         std::size_t most = 200);

}  // namespace evaluate
