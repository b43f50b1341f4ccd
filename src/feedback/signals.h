#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "dialogue/dialogue.h"
#include "dialogue/sentiment.h"
#include "feedback/relevance.h"

namespace feedback {

using dialogue::SentimentFunction;

// The corpus with Turn::sentiment of every seeker's turn, of its words without items.
dialogue::Corpus with_sentiment(dialogue::Corpus corpus, const SentimentFunction& scorer);

// The signals of one recommender's turn.
struct SignalRow {
  int dialogue = 0;                           // index in the corpus
  int turn = 0;                               // index in the dialogue
  std::optional<int> item;                    // the first it names
  std::vector<std::optional<double>> values;  // one a name; nothing where it cannot be known
};

struct SignalTable {
  std::vector<std::string> names;
  std::vector<SignalRow> rows;  // by dialogue, then turn

  // Throws base::Error(internal) where there is no such name.
  std::size_t column(const std::string& name) const;
};

// Every recommender's turn of these dialogues; of those with events and targets, the targets: the
// others count in another part of the conversation. The reply is the seeker's next messages up to
// the recommender's next one, read as one; the words before are the seeker's messages that this
// turn answers. Where nobody replies, what needs a reply has no value.
//   reply_words      words of the reply
//   exclamations     "!" in the reply
//   reply_latency    seconds from this turn to the reply's first message
//   dwell            seconds: of the dwell events about this turn; else until the reply's end, but
//                    not in dialogues out of a feedback store (source "feedback")
//   turns_left       messages after the reply
//   seconds_left     until the dialogue's last message
//   sentiment        compound of the reply, -1 … 1
//   sentiment_shift  compound of the reply minus that of the words before
//   acceptance       0 … 1: an accept event, a rating about this turn; in dialogues without events
//                    1 where the reply says yes to it, 0 otherwise
//   relevance        0 … 1, of this turn and its items to what the seeker has said before,
//                    without disliked items, and the items liked so far (Turn::sentiment tells)
SignalTable measure_signals(const dialogue::Corpus& corpus, const std::vector<int>& dialogues,
                            const RelevanceFunction& relevance_of, const SentimentFunction& scorer);
SignalTable measure_signals(const dialogue::Corpus& corpus, const RelevanceFunction& relevance_of,
                            const SentimentFunction& scorer);  // of all dialogues

// The paper's three terms as standard scores: engagement (the mean of reply_words, reply_latency,
// dwell and turns_left, each standardised, those that are known), relevance and sentiment_shift.
// Means and deviations are of the rows it was made from: the training split's.
class Composites {
 public:
  explicit Composites(const SignalTable& training);
  // Throws base::DataError where the object is not one of to_json().
  static Composites from_json(const base::Json& json, const std::string& where);
  base::Json to_json() const;

  // The same rows with the columns engagement, relevance, sentiment_shift.
  SignalTable apply(const SignalTable& table) const;

 private:
  struct Scale {
    std::string name;
    double mean = 0;
    double deviation = 1;  // 1 where the training rows do not vary
  };
  Composites() = default;
  std::optional<double> standard(const SignalTable& table, const SignalRow& row,
                                 const Scale& scale) const;
  std::optional<double> raw_engagement(const SignalTable& table, const SignalRow& row) const;
  static Scale fit(const std::string& name, const std::vector<std::optional<double>>& values);

  std::vector<Scale> parts_;
  Scale engagement_, relevance_, sentiment_shift_;
};

}  // namespace feedback
