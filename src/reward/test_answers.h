#pragma once

#include <optional>
#include <string>
#include <vector>

#include "feedback/signals.h"

// Dialogues of one answered recommendation each, with a signal table made by hand: for the tests of
// what reads forms and signals.
namespace reward::testing {

struct Answer {
  std::string reply = {};
  // The form; without both there is none.
  std::optional<bool> liked = {}, seen = {};
  // What the table holds of the turn.
  std::optional<double> engagement = {}, relevance = {}, sentiment_shift = {}, sentiment = {},
                        acceptance = {};
};

struct Answers {
  dialogue::Corpus corpus;
  feedback::SignalTable table;

  // Dialogue d is about item d % 3.
  explicit Answers(const std::vector<Answer>& answers) {
    corpus.catalogue = dialogue::Catalogue(
        {{"1", "Heat", "", {}, {}}, {"2", "Alien", "", {}, {}}, {"3", "Up", "", {}, {}}});
    table.names = {"engagement", "relevance", "sentiment_shift", "sentiment", "acceptance"};
    for (const Answer& answer : answers) {
      const int number = static_cast<int>(corpus.dialogues.size()), item = number % 3;
      dialogue::Dialogue d;
      d.id = std::to_string(number);
      dialogue::Turn question, offer, reply;
      question.text = "a film please";
      offer.role = dialogue::Role::recommender;
      offer.text = "@ perhaps";
      offer.mentions = {{item, 0, 1}};
      reply.text = answer.reply;
      reply.sentiment = answer.sentiment;
      d.turns = {question, offer, reply};
      if (answer.liked || answer.seen) d.seeker_labels = {{item, true, answer.seen, answer.liked}};
      corpus.dialogues.push_back(d);
      table.rows.push_back({number,
                            1,
                            item,
                            {answer.engagement, answer.relevance, answer.sentiment_shift,
                             answer.sentiment, answer.acceptance}});
    }
  }
};

}  // namespace reward::testing
