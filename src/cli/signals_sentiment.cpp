#include <iostream>

#include "base/format.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/standard_input.h"
#include "feedback/sentiment.h"

namespace cli {
namespace {

int sentiment(const Command& self, const std::vector<std::string>& given) {
  std::string lexicon, emoji;
  Arguments arguments(self);
  arguments.option("--lexicon", lexicon, "lines of word, tab, mean valence (.xz too)",
                   Arguments::Need::required);
  arguments.option("--emoji", emoji, "lines of emoji, tab, the words that stand for it");
  arguments.parse(given);

  const auto scorer = emoji.empty() ? feedback::SentimentScorer(lexicon)
                                    : feedback::SentimentScorer(lexicon, emoji);
  read_standard_input([&](const std::string& line, long) {
    std::cout << base::fixed(scorer.score(line).compound, 4) << "\n";
  });
  return 0;
}

}  // namespace

Command signals_sentiment_command() {
  return {
      "signals sentiment",
      "print the sentiment of each line of standard input, -1 to 1 (VADER's compound score)",
      "echo 'Great film!' | attune signals sentiment --lexicon runs/quickstart/data/lexicon.txt",
      sentiment};
}

}  // namespace cli
