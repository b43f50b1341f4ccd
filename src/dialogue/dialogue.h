#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dialogue/catalogue.h"
#include "dialogue/event.h"

namespace dialogue {

enum class Role { seeker, recommender };

// A span of a turn's text, [begin, end) in bytes, that names an item.
struct Mention {
  int item = 0;  // number in the catalogue
  std::size_t begin = 0;
  std::size_t end = 0;
};

// A span of a turn's text, [begin, end) in bytes, and how its words feel, -1 … 1.
struct Sentence {
  std::size_t begin = 0;
  std::size_t end = 0;
  double sentiment = 0;
};

// One message. Several messages in a row of one speaker stay several turns.
struct Turn {
  std::string id;  // the data set's message id, or the number of the turn
  Role role = Role::seeker;
  std::string text;               // as written; a mention may be "@111776" or a title
  std::vector<Mention> mentions;  // in order of begin, not overlapping
  std::optional<double> time;     // seconds since the dialogue began
  std::optional<double>
      sentiment;  // compound of the words, -1 … 1; there once a scorer has read the turn
  std::vector<Sentence> sentences;  // the same of each sentence

  // Items named, each once, in order of first mention.
  std::vector<int> items() const;
};

// What a speaker's form says of an item after the dialogue. Nothing where the person did not say.
struct Label {
  int item = 0;
  std::optional<bool> suggested;  // by the recommender
  std::optional<bool> seen;       // by the seeker, before
  std::optional<bool> liked;      // by the seeker
};

struct Dialogue {
  std::string id;      // the data set's own; unique in a corpus
  std::string seeker;  // the person's id; empty where unknown
  std::string recommender;
  std::int64_t order = 0;  // later dialogues have larger ones: what a split by time sorts by
  std::string
      source;  // which file or part it came from ("train_part"); decides what may be held out
  std::vector<Turn> turns;
  std::vector<Label> seeker_labels;       // the seeker's own form
  std::vector<Label> recommender_labels;  // the recommender's form
  std::vector<Event> events;
  std::optional<double> satisfaction;  // of the whole dialogue, where people said it

  // The seeker's label of an item, or null.
  const Label* seeker_label(int item) const;

  // The items that this turn is the first to name, in order of first mention.
  std::vector<int> new_items(std::size_t turn) const;
};

struct Corpus {
  Catalogue catalogue;
  std::vector<Dialogue> dialogues;
};

// The turn's text with each mention replaced by the item's title.
std::string written_out(const Turn& turn, const Catalogue& catalogue);

}  // namespace dialogue
