#pragma once

#include <string>
#include <vector>

#include "evaluate/comparison.h"
#include "evaluate/scores.h"
#include "simulate/play.h"

namespace evaluate {

// One recommender's dialogues with a world's people.
struct WorldGame {
  std::string model;
  std::vector<simulate::Episode> episodes;
};

// Two games with the same world and options meet the same people in the same order.
WorldGame play_world(dialogue::Recommender& recommender, const simulate::World& world,
                     const simulate::PlayOptions& options);

// Mean true satisfaction over episodes, whole people drawn for the interval. Throws base::Error
// (internal) where there is no episode.
WorldScores score_world(const WorldGame& game, const metrics::BootstrapOptions& options = {});

// The row of protocol "world", metric "satisfaction": paired by episode, clusters are people.
// Throws base::Error (internal) where the two games met different people.
Comparison compare_worlds(const WorldGame& game, const WorldGame& against,
                          const metrics::BootstrapOptions& options = {});

}  // namespace evaluate
