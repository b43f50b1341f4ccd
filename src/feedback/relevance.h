#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dialogue/dialogue.h"

namespace feedback {

// Words in lower case: runs of letters, digits, apostrophes and bytes beyond ASCII.
std::vector<std::string> words_of(std::string_view text);

// How much a word tells: log((1 + turns) / (1 + turns with the word)) + 1. Unknown words weigh as
// words in no turn.
class WordWeights {
 public:
  // Counts the turns, with titles written out, of some dialogues: the training split.
  WordWeights(const dialogue::Corpus& corpus, const std::vector<int>& dialogues);
  double weight(const std::string& word) const;

 private:
  double turns_ = 0;
  std::unordered_map<std::string, double> turns_with_;
};

// How near what is offered is to what is wanted, 0 … 1; 0 where either says nothing. Both are some
// texts: what somebody said, and items written out.
using Texts = std::vector<std::string>;
using RelevanceFunction = std::function<double(const Texts& offered, const Texts& wanted)>;

// The cosine of the weighted words of both. Keeps the weights.
RelevanceFunction word_relevance(WordWeights weights);

// An item written out: its title and attributes.
std::string item_text(const dialogue::Item& item);

}  // namespace feedback
