#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "dialogue/recommender.h"
#include "dialogue/sentiment.h"
#include "simulate/logging_recommender.h"
#include "simulate/user.h"

namespace simulate {

struct PlayOptions {
  int episodes = 200;
  int batch = 64;          // users who talk at the same time
  int max_turns = 8;       // recommender's turns
  int people = 0;          // draw from this many people; 0: everybody is somebody new
  std::uint64_t seed = 1;  // decides who comes and what they do; the same for all recommenders
  dialogue::StateOptions state;
  dialogue::Sampling sampling;  // its seed and stream are set from `seed`
  // Reads every seeker's turn for Turn::sentiment; may be empty.
  dialogue::SentimentFunction sentiment;
};

struct Episode {
  dialogue::Dialogue dialogue;  // with events and forms; satisfaction is not in it
  std::vector<dialogue::DecisionRecord> decisions;  // one a recommender's turn, in order
  double satisfaction = 0;                          // the truth, of the whole dialogue
  std::vector<double> satisfactions;                // of each recommended item, in order
};

// Lets new users talk with a recommender over the world's catalogue; all users of a batch are
// answered together. A function of its arguments. Two recommenders played with the same options
// meet the same people.
std::vector<Episode> play(dialogue::Recommender& recommender, const World& world,
                          const PlayOptions& options);

// The number of the world's person who is the seeker of a dialogue that was played. Throws
// base::Error(data) where it is nobody of a world.
std::uint64_t person_of(const dialogue::Dialogue& dialogue);

double mean_satisfaction(const std::vector<Episode>& episodes);

// The dialogues that the world's people had with a recommender of that behaviour:
// settings().dialogues of them, ordered, with forms and events. The truth is not in them.
dialogue::Corpus make_corpus(const World& world, const Behaviour& behaviour);
dialogue::Corpus make_corpus(const World& world);  // with logging_behaviour

}  // namespace simulate
