#pragma once

#include "reward/train_predictor.h"
#include "text/tokenizer_trainer.h"

namespace reward::testing {

// People who named item 0 like 2 and not 3; people who named item 1 the other way round.
struct Taste {
  static text::Tokenizer tokenizer() {
    return text::train_tokenizer({"a film please"}, {.vocabulary_size = 260});
  }

  std::vector<Outcome> outcomes;
  std::vector<recommend::RankContext> states;
  std::vector<bool> held_out;
  recommend::Counts counts;
  recommend::WordTable words;

  Taste() {
    std::vector<dialogue::Dialogue> dialogues;
    for (int d = 0; d < 200; ++d) {
      dialogue::Dialogue dialogue;
      dialogue::Turn first, second;
      first.text = "@";
      first.mentions = {{d % 2, 0, 1}};
      second.role = dialogue::Role::recommender;
      second.text = "@";
      second.mentions = {{2 + (d / 2) % 2, 0, 1}};
      dialogue.turns = {first, second};
      dialogues.push_back(dialogue);
      Outcome outcome;
      outcome.dialogue = d;
      outcome.turn = 1;
      outcome.item = second.mentions[0].item;
      const bool likes = (d % 2) == outcome.item - 2;
      outcome.liked = likes;
      outcome.targets[static_cast<std::size_t>(Head::liked)] = likes;
      outcome.weights[static_cast<std::size_t>(Head::liked)] = 1;
      outcome.targets[static_cast<std::size_t>(Head::blend)] = likes ? 1 : -1;
      outcome.weights[static_cast<std::size_t>(Head::blend)] = 1;
      outcomes.push_back(outcome);
      held_out.push_back(d % 10 == 7 || d % 10 == 4);
    }
    std::vector<const dialogue::Dialogue*> pointers;
    for (const dialogue::Dialogue& dialogue : dialogues) pointers.push_back(&dialogue);
    for (const dialogue::Dialogue& dialogue : dialogues)
      states.push_back(recommend::context_of(dialogue::state_before(dialogue, 1), words));
    counts = recommend::Counts(pointers, words, 4);
  }

  Predictor predictor() const {
    const std::vector<std::vector<int>> item_words(4);
    return train_predictor(
        {.members = 2, .width = 8, .epochs = 15, .learning_rate = 1e-2, .dropout = 0},
        {outcomes, states, counts, item_words, held_out, 1, base::silent_console()});
  }
};

}  // namespace reward::testing
