#include "dialogue/sentiment.h"

#include <algorithm>

namespace dialogue {
namespace {

bool in_mention(const Turn& turn, std::size_t at) {
  return std::any_of(turn.mentions.begin(), turn.mentions.end(), [&](const Mention& mention) {
    return mention.begin <= at && at < mention.end;
  });
}

// The text from `begin` to `end` without the items named there.
std::string words_between(const Turn& turn, std::size_t begin, std::size_t end) {
  std::string words;
  std::size_t done = begin;
  for (const Mention& mention : turn.mentions) {
    if (mention.begin < begin || mention.end > end) continue;
    words += turn.text.substr(done, mention.begin - done);
    done = mention.end;
  }
  return words + turn.text.substr(done, end - done);
}

}  // namespace

std::string words_without_items(const Turn& turn) {
  return words_between(turn, 0, turn.text.size());
}

void read_sentiment(Turn& turn, const SentimentFunction& scorer) {
  turn.sentiment = scorer(words_without_items(turn));
  turn.sentences.clear();
  std::size_t begin = 0;
  const auto add = [&](std::size_t end) {
    if (end > begin)
      turn.sentences.push_back({begin, end, scorer(words_between(turn, begin, end))});
    begin = end;
  };
  for (std::size_t at = 0; at < turn.text.size(); ++at) {
    if (std::string_view(".!?;\n").find(turn.text[at]) == std::string_view::npos ||
        in_mention(turn, at))
      continue;
    while (at + 1 < turn.text.size() &&
           std::string_view(".!?;\n").find(turn.text[at + 1]) != std::string_view::npos)
      ++at;
    add(at + 1);
  }
  add(turn.text.size());
}

}  // namespace dialogue
