#pragma once

#include <filesystem>
#include <utility>
#include <vector>

#include "dialogue/dialogue.h"
#include "recommend/context.h"
#include "recommend/words.h"

namespace recommend {

// What one dialogue adds to the counts; taken out again while a ranker trains on that dialogue.
struct DialogueCounts {
  int dialogue = 0;              // its place among the training dialogues
  std::vector<int> items;        // named, each once
  std::vector<int> recommended;  // named by the recommender, once a message
  std::vector<std::pair<int, int>>
      word_pairs;       // (word, item), sorted: the word was said before the item was recommended
  bool recent = false;  // one of the last 1,500 of the training dialogues

  // The pairs of a word, as a range.
  using Pairs = std::pair<std::vector<std::pair<int, int>>::const_iterator,
                          std::vector<std::pair<int, int>>::const_iterator>;
  Pairs pairs_of(int word) const;
};
DialogueCounts count_dialogue(const dialogue::Dialogue& dialogue, const WordTable& words);

inline constexpr std::size_t kRecentDialogues = 1500;  // the last ones of the training dialogues

// One for each training dialogue, oldest first.
std::vector<DialogueCounts> count_each(const std::vector<const dialogue::Dialogue*>& training,
                                       const WordTable& words);

// How often items and words stand together in the training dialogues.
class Counts {
 public:
  using Row = std::vector<std::pair<int, float>>;  // (item, count), by item

  Counts() = default;
  Counts(const std::vector<const dialogue::Dialogue*>& training, const WordTable& words, int items);

  int items() const { return static_cast<int>(named_.size()); }
  const std::vector<float>& named() const { return named_; }  // dialogues that name an item
  const std::vector<float>& recommended() const {
    return recommended_;
  }  // recommender messages that name it
  const std::vector<float>& recently_recommended() const {
    return recent_;
  }  // the same of the last 1,500 dialogues
  const Row& with_item(int item) const {
    return with_item_[static_cast<std::size_t>(item)];
  }  // dialogues naming both
  const Row& with_word(int word) const { return with_word_[static_cast<std::size_t>(word)]; }
  float word_total(int word) const {
    return word_totals_[static_cast<std::size_t>(word)];
  }  // pairs of a word
  int words() const { return static_cast<int>(with_word_.size()); }

  // The same over a catalogue of `items`, at least as many as now: the new ones were never named.
  Counts extended(int items) const;

  // counts.safetensors in a folder. read throws base::DataError.
  void write(const std::filesystem::path& folder) const;
  static Counts read(const std::filesystem::path& folder);

 private:
  std::vector<float> named_, recommended_, recent_, word_totals_;
  std::vector<Row> with_item_, with_word_;
};

}  // namespace recommend
