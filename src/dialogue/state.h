#pragma once

#include <vector>

#include "dialogue/dialogue.h"

namespace dialogue {

enum class Polarity { unknown, liked, disliked };

// An item named before the action, once, at its last mention.
struct KnownItem {
  int item = 0;
  Polarity polarity = Polarity::unknown;  // from the seeker's earlier words, never from a form
  Role by = Role::seeker;                 // who named it last
  int turn = 0;                           // index of that turn in the dialogue
  int count = 0;                          // turns that named it so far
};

// What the model sees before the recommender's turn.
struct State {
  std::vector<Turn> window;        // the last k turns, oldest first
  std::vector<KnownItem> items;    // of all earlier turns, in order of last mention
  int turns = 0;                   // turns so far, those before the window included
  bool keep_earlier_items = true;  // whether items from before the window are shown to the model
  double liked_above = .2;         // sentiment of words that like; below minus this, that dislike

  // Those of `items` last named before the window began.
  std::vector<KnownItem> items_before_window() const;
};

struct StateOptions {
  int window = 12;  // turns
  bool keep_earlier_items = true;
  double liked_above =
      .2;  // sentiment of the words about an item that counts as liked; below minus this, disliked

  template <class F>
  void fields(F&& field) {
    field("window", window, "turns that the model sees in full");
    field("keep_earlier_items", keep_earlier_items,
          "show items named before the window, with what was said of them");
    field("liked_above", liked_above,
          "sentiment of the words about an item that counts as liked, and minus it as disliked");
  }
};

// The state before turn `turn` (0 … turns.size()) of a dialogue. The words about an item are the
// seeker's sentence that names it, or the seeker's first turn after the recommender named it, where
// their sentiment is known.
State state_before(const Dialogue& dialogue, std::size_t turn, const StateOptions& options = {});

}  // namespace dialogue
