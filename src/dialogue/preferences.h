#pragma once

#include <vector>

#include "dialogue/dialogue.h"

namespace dialogue {

// Two replies to one beginning, of which people, or a reward model, prefer the first.
struct Preference {
  std::vector<Turn> prompt;
  Turn chosen, rejected;
};

// A reply by itself, desired or not: a click or none.
struct Judgement {
  std::vector<Turn> prompt;
  Turn completion;
  bool label = false;
};

// What dpo and kto can learn from without a reward model.
struct Preferences {
  std::vector<Preference> pairs;
  std::vector<Judgement> judgements;
  std::vector<Dropped> dropped = {};  // by the reader; only what occurs
};

}  // namespace dialogue
