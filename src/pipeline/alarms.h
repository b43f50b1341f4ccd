#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "evaluate/scores.h"
#include "rl/settings.h"

namespace pipeline {

// What reinforcement learning's log and the models' scores say that is known to go with a reward
// that is gamed or a run that went wrong, each in a sentence for people: reward of
// words or items up while gold falls; entropy, length, KL, clipping and the sampler's agreement in
// the log; steps whose gradient was not finite, or that were all taken back; BLEU down while hits
// rise, recommendations narrowed to a few items, less weight on what the seeker said, lists that
// change more from message to message; a score of words that is one of cheerfulness. `policy`: the
// rl stage's folder; start and aligned: what the evaluation found of them.
std::vector<std::string> find_alarms(const std::filesystem::path& policy,
                                     const rl::RlSettings& settings,
                                     const evaluate::ModelScores& start,
                                     const evaluate::ModelScores& aligned);

}  // namespace pipeline
