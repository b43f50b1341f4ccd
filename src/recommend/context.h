#pragma once

#include <vector>

#include "dialogue/state.h"
#include "recommend/entities.h"
#include "recommend/words.h"

namespace recommend {

// A state as the ranker reads it.
struct RankContext {
  std::vector<dialogue::KnownItem> items;  // named so far, in order of last mention
  std::vector<int> words;                  // known words so far, each once
  std::vector<int> liked_words;            // those of them in the seeker's sentences that like
  std::vector<int> disliked_words;         // … that dislike
  std::vector<int> recent_words;           // of the last two turns
  std::vector<int> late_words;             // of the last six turns
  std::vector<int> entities;               // named in the words so far, in order of last mention
  int turns = 0;                           // so far

  bool names(int item) const;
};

// Without entities, or with those that the words name.
RankContext context_of(const dialogue::State& state, const WordTable& words);
RankContext context_of(const dialogue::State& state, const WordTable& words,
                       const Entities& entities);

// One thing to learn from: before a turn that names items, these were named.
struct RankExample {
  int dialogue = 0;  // which of the training dialogues
  int turn = 0;
  dialogue::Role role = dialogue::Role::recommender;  // who names them
  RankContext context;
  std::vector<int> targets;  // items of the turn, each once, repeats of earlier ones included
};

// The examples of all turns that name items and have something before them, of both roles; where a
// dialogue lists its targets, of these only.
std::vector<RankExample> rank_examples(const std::vector<const dialogue::Dialogue*>& dialogues,
                                       const WordTable& words, const Entities& entities,
                                       const dialogue::StateOptions& options);

}  // namespace recommend
