#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "dialogue/dialogue.h"

namespace recommend {

// Lower-case runs of letters, digits and apostrophes of a turn's own words: titles of mentions are
// left out, since the items themselves are known.
std::vector<std::string> words_of(const dialogue::Turn& turn);

// The same of any text; and words as one text again, a space between them.
std::vector<std::string> split_words(std::string_view text);
std::string join_words(const std::vector<std::string>& words);

// The words that tell dialogues apart: in at least `min_dialogues` of the training dialogues and in
// at most `max_share`. A name of several words ("tom hanks") may be one of them.
class WordTable {
 public:
  WordTable() = default;
  explicit WordTable(std::vector<std::string> words);
  // names: of several words, as join_words gives them; they count as words of their own beside the
  // words they are made of.
  static WordTable from(const std::vector<const dialogue::Dialogue*>& training, int min_dialogues,
                        double max_share, const std::vector<std::string>& names = {});

  int size() const { return static_cast<int>(words_.size()); }
  const std::vector<std::string>& words() const { return words_; }

  // The known words of a turn as numbers, each once, in order of first use.
  std::vector<int> numbers(const dialogue::Turn& turn) const;
  std::vector<int> numbers(const std::vector<std::string>& words) const;

 private:
  std::vector<std::string> words_;
  std::unordered_map<std::string, int> numbers_;
  std::size_t longest_ = 1;  // words of the longest name
};

}  // namespace recommend
