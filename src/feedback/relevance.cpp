#include "feedback/relevance.h"

#include <cctype>
#include <cmath>
#include <unordered_set>

namespace feedback {
namespace {

using Bag = std::unordered_map<std::string, double>;  // counts times the weight

Bag bag_of(const Texts& texts, const WordWeights& weights) {
  Bag bag;
  for (const std::string& text : texts)
    for (const std::string& word : words_of(text)) bag[word] += weights.weight(word);
  return bag;
}

double cosine(const Bag& one, const Bag& other) {
  double product = 0, own = 0, others = 0;
  for (const auto& [word, count] : one) {
    own += count * count;
    const auto found = other.find(word);
    if (found != other.end()) product += count * found->second;
  }
  for (const auto& [word, count] : other) others += count * count;
  return own > 0 && others > 0 ? product / std::sqrt(own * others) : 0;
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const auto byte = i < text.size() ? static_cast<unsigned char>(text[i]) : ' ';
    if (std::isalnum(byte) || byte == '\'' || byte >= 0x80) {
      word += static_cast<char>(std::tolower(byte));
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

WordWeights::WordWeights(const dialogue::Corpus& corpus, const std::vector<int>& dialogues) {
  for (int index : dialogues)
    for (const dialogue::Turn& turn : corpus.dialogues[static_cast<std::size_t>(index)].turns) {
      const std::vector<std::string> words =
          words_of(dialogue::written_out(turn, corpus.catalogue));
      for (const std::string& word : std::unordered_set<std::string>(words.begin(), words.end()))
        ++turns_with_[word];
      ++turns_;
    }
}

double WordWeights::weight(const std::string& word) const {
  const auto found = turns_with_.find(word);
  return std::log((1 + turns_) / (1 + (found == turns_with_.end() ? 0 : found->second))) + 1;
}

RelevanceFunction word_relevance(WordWeights weights) {
  return [weights = std::move(weights)](const Texts& offered, const Texts& wanted) {
    return cosine(bag_of(offered, weights), bag_of(wanted, weights));
  };
}

std::string item_text(const dialogue::Item& item) {
  std::string text = item.title;
  for (const auto& [name, values] : item.attributes)
    for (const std::string& value : values) text += ", " + value;
  return text;
}

}  // namespace feedback
