#pragma once

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

// A weighted bag of words.
class Bag {
 public:
  void add(const std::vector<std::string>& words, const WordWeights& weights);
  // 0 … 1; 0 where a bag is empty.
  double cosine(const Bag& other) const;

 private:
  std::unordered_map<std::string, double> counts_;  // times the weight
};

// The words of an item: its title and attributes.
std::vector<std::string> item_words(const dialogue::Item& item);

}  // namespace feedback
