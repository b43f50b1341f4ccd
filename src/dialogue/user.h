#pragma once

#include <optional>
#include <vector>

#include "dialogue/dialogue.h"
#include "dialogue/recommender.h"

namespace dialogue {

// What a person does after a reply.
struct Reaction {
  std::optional<Turn> turn;  // their next words; none where they leave without any
  std::vector<Event>
      events;  // dwell, acceptance, leaving, …; their `turn` is the recommender's turn
  bool leaves = false;
};

// Somebody who talks with a recommender: simulated, or a person at a terminal.
class User {
 public:
  virtual ~User() = default;
  virtual Turn begin() = 0;  // the first words
  virtual Reaction react(
      const Turn& reply) = 0;  // reply: the recommender's turn, its items as mentions
};

}  // namespace dialogue
