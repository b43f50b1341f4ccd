#include "recommend/words.h"

#include <algorithm>
#include <map>
#include <set>

namespace recommend {
namespace {

bool is_word_byte(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '\'' ||
         c >= 0x80;
}

}  // namespace

std::vector<std::string> words_of(const dialogue::Turn& turn) {
  std::string text = turn.text;
  for (const dialogue::Mention& mention : turn.mentions)
    std::fill(text.begin() + static_cast<std::ptrdiff_t>(mention.begin),
              text.begin() + static_cast<std::ptrdiff_t>(mention.end), ' ');
  return split_words(text);
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && is_word_byte(static_cast<unsigned char>(text[i]))) {
      const char c = text[i];
      word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

std::string join_words(const std::vector<std::string>& words) {
  std::string joined;
  for (const std::string& word : words) {
    if (!joined.empty()) joined += ' ';
    joined += word;
  }
  return joined;
}

WordTable::WordTable(std::vector<std::string> words) : words_(std::move(words)) {
  for (const std::string& word : words_) {
    numbers_.emplace(word, static_cast<int>(numbers_.size()));
    longest_ =
        std::max(longest_, 1 + static_cast<std::size_t>(std::count(word.begin(), word.end(), ' ')));
  }
}

WordTable WordTable::from(const std::vector<const dialogue::Dialogue*>& training, int min_dialogues,
                          double max_share, const std::vector<std::string>& names) {
  const WordTable known(names);
  std::map<std::string, int> dialogues_with;
  for (const dialogue::Dialogue* dialogue : training) {
    std::set<std::string> own;
    for (const dialogue::Turn& turn : dialogue->turns) {
      std::vector<std::string> words = words_of(turn);
      for (int name : known.numbers(words)) own.insert(names[static_cast<std::size_t>(name)]);
      for (std::string& word : words) own.insert(std::move(word));
    }
    for (const std::string& word : own) dialogues_with[word] += 1;
  }
  std::vector<std::string> words;
  for (const auto& [word, count] : dialogues_with)
    if (count >= min_dialogues && count <= max_share * static_cast<double>(training.size()))
      words.push_back(word);
  return WordTable(std::move(words));
}

std::vector<int> WordTable::numbers(const dialogue::Turn& turn) const {
  return numbers(words_of(turn));
}

std::vector<int> WordTable::numbers(const std::vector<std::string>& words) const {
  std::vector<int> numbers;
  for (std::size_t begin = 0; begin < words.size(); ++begin) {
    std::string text;
    for (std::size_t end = begin; end < std::min(words.size(), begin + longest_); ++end) {
      text += (end == begin ? "" : " ") + words[end];
      const auto found = numbers_.find(text);
      if (found == numbers_.end()) continue;
      if (std::find(numbers.begin(), numbers.end(), found->second) == numbers.end())
        numbers.push_back(found->second);
    }
  }
  return numbers;
}

}  // namespace recommend
