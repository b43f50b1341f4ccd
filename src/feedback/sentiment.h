#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace feedback {

// Rounded as VADER prints them.
struct SentimentScores {
  double compound = 0;  // -1 to 1, four decimals
  double positive = 0;  // shares of the words, three decimals, together 1; all 0 without a word
  double neutral = 0;
  double negative = 0;
};

// VADER (Hutto & Gilbert, ICWSM 2014): valences of words from a lexicon, and rules for negation,
// degree words, capitals, "but", idioms and punctuation. The same numbers as the reference program
// at 44fc044; its release 3.3.2 values two idioms otherwise ("beating heart", "broken heart").
// Never changes; any number of threads may use one.
class SentimentScorer {
 public:
  // lexicon: lines of token, tab, mean valence, and more fields that are not read. emoji: lines of
  // an emoji, tab, the words that stand for it. Both may end in `.xz`. Throws DataError naming file
  // and line.
  explicit SentimentScorer(const std::filesystem::path& lexicon);
  SentimentScorer(const std::filesystem::path& lexicon, const std::filesystem::path& emoji);

  SentimentScores score(std::string_view text) const;

 private:
  struct Words;
  std::string spell_emoji(std::string_view text) const;
  std::optional<double> valence_of(const std::string& lower) const;
  double score_word(const Words& words, std::size_t at) const;
  double weigh_context(const Words& words, std::size_t at, double valence) const;

  std::unordered_map<std::string, double> lexicon_;
  std::unordered_map<char32_t, std::string> emoji_;
};

}  // namespace feedback
