#pragma once

#include <vector>

#include "dialogue/recommender.h"
#include "dialogue/sentiment.h"
#include "dialogue/user.h"

namespace dialogue {

struct ConverseOptions {
  int max_turns = 8;  // recommender's turns
  StateOptions state = {};
  Sampling sampling = {};            // its stream is set
  SentimentFunction sentiment = {};  // reads every seeker's turn for Turn::sentiment; may be empty
};

// A user and what was said so far.
struct Conversation {
  Dialogue dialogue;                           // with the events of the user's reactions
  User* user = nullptr;                        // must outlive the conversation
  std::vector<DecisionRecord> decisions = {};  // one a recommender's turn
  bool left = false;                           // by the user
};

// The dialogue, whose turns are ids, roles and the like so far, with the user's first words.
Conversation begin(Dialogue dialogue, User& user, const ConverseOptions& options);

// The recommender answers all of them together, turn by turn, until each user has left or has had
// max_turns replies. batch: any number; two batches of one seed have different random numbers.
// Where users have times, a reply takes one second and a tenth of one a word.
void converse(Recommender& recommender, const Catalogue& catalogue,
              std::vector<Conversation>& conversations, std::uint64_t batch,
              const ConverseOptions& options);

// The reply as the recommender's turn. An item in the slot that the words do not name is put in
// front of them. Id and time are empty.
Turn to_turn(const Action& action, const Catalogue& catalogue);

}  // namespace dialogue
