#pragma once

#include "dialogue/dialogue.h"
#include "text/tokenizer_trainer.h"
#include "train/tokens.h"

// A hand-made corpus for this module's tests: three items, a few short dialogues.
namespace train::testing {

inline dialogue::Catalogue catalogue() {
  return dialogue::Catalogue({{"10", "Heat (1995)", "movie", 1995, {}},
                              {"20", "Alien (1979)", "movie", 1979, {}},
                              {"30", "Up (2009)", "movie", 2009, {}}});
}

inline dialogue::Turn turn(dialogue::Role role, const std::string& text, int item = -1) {
  dialogue::Turn turn;
  turn.role = role;
  turn.text = text;
  if (item >= 0) {
    const std::size_t at = text.find('@');
    turn.mentions.push_back({item, at, at + 1});
  }
  return turn;
}

inline dialogue::Dialogue dialogue(int seed) {
  using dialogue::Role;
  const int liked = seed % 3, next = (seed + 1) % 3;
  dialogue::Dialogue d;
  d.id = std::to_string(seed);
  d.turns = {turn(Role::seeker, "hello I liked @ a lot", liked),
             turn(Role::recommender, "then watch @ tonight", next),
             turn(Role::seeker, "sounds good thank you"), turn(Role::recommender, "enjoy it")};
  return d;
}

inline DialogueTokens tokens() {
  std::vector<std::string> texts;
  for (int i = 0; i < 3; ++i)
    for (const dialogue::Turn& t : dialogue(i).turns) texts.push_back(t.text);
  return DialogueTokens(text::train_tokenizer(texts, {.vocabulary_size = 300}), catalogue());
}

}  // namespace train::testing
