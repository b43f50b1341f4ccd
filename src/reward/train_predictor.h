#pragma once

#include <cstdint>
#include <vector>

#include "base/progress.h"
#include "dialogue/catalogue.h"
#include "recommend/words.h"
#include "reward/predictor.h"

namespace reward {

struct PredictorSettings {
  int members = 3;  // independent seeds
  int width = 32;
  int epochs = 12;  // at most; see train_predictor
  double learning_rate = 3e-3;
  double weight_decay = .05;
  double dropout = .3;

  template <class F>
  void fields(F&& field) {
    field("members", members, "predictors trained from independent seeds");
    field("width", width, "numbers that states and items are embedded in");
    field("epochs", epochs, "passes over the outcomes, at most");
    field("learning_rate", learning_rate, "AdamW's peak step size");
    field("weight_decay", weight_decay, "AdamW's decay of matrices");
    field("dropout", dropout, "of a state's embedding");
  }
};

// The known words of each item's title and attributes: what a taste told in words can be matched
// with.
std::vector<std::vector<int>> words_of_items(const dialogue::Catalogue& catalogue,
                                             const recommend::WordTable& words);

// What a predictor learns from. `states` holds the context of each outcome; `counts` those of the
// dialogues it may learn from; `item_words` as words_of_items gives them.
struct PredictorTraining {
  const std::vector<Outcome>& outcomes;
  const std::vector<recommend::RankContext>& states;
  const recommend::Counts& counts;
  const std::vector<std::vector<int>>& item_words;
  const std::vector<bool>& held_out;  // dialogues never looked at
  std::uint64_t seed = 0;
  base::Console& console;
};

// A tenth of the other dialogues decides when to stop, the rest are trained on. A function of its
// arguments. Throws base::Error(data) where there is nothing to learn from.
Predictor train_predictor(const PredictorSettings& settings, const PredictorTraining& training);

}  // namespace reward
