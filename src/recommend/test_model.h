#pragma once

#include "recommend/model_folder.h"
#include "recommend/train_ranker.h"
#include "train/test_dialogues.h"

// A trained model over the three items of train::testing, with random weights: for the tests of
// this module and of rl.
namespace recommend::testing {

inline std::vector<dialogue::Dialogue> dialogues(int count) {
  std::vector<dialogue::Dialogue> all;
  for (int i = 0; i < count; ++i) all.push_back(train::testing::dialogue(i));
  return all;
}

inline std::vector<const dialogue::Dialogue*> pointers(
    const std::vector<dialogue::Dialogue>& dialogues) {
  std::vector<const dialogue::Dialogue*> out;
  for (const dialogue::Dialogue& dialogue : dialogues) out.push_back(&dialogue);
  return out;
}

// What a ranker looks up after these dialogues, over the three items.
inline RankerTables tables(const std::vector<const dialogue::Dialogue*>& chosen) {
  const dialogue::Catalogue catalogue = train::testing::catalogue();
  const WordTable words = WordTable::from(chosen, 1, 1);
  const Entities entities(catalogue);
  const auto examples = rank_examples(chosen, words, entities, {});
  return make_tables(words, entities, Counts(chosen, words, catalogue.size()),
                     Neighbours(examples, words.size()), catalogue);
}

inline TrainedModel model(const std::vector<dialogue::Dialogue>& training) {
  const train::DialogueTokens tokens = train::testing::tokens();
  RankerSettings settings;
  settings.bag.width = 4;
  settings.min_word_dialogues = 1;
  const auto chosen = pointers(training);
  return {train::testing::catalogue(),
          {},
          tokens,
          model::random_model(model::gpt2_config(1, 2, 16, 96, tokens.size()), 5),
          Ranker(settings, tables(chosen), 16, 1)};
}

}  // namespace recommend::testing
