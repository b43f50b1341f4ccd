#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dialogue/catalogue.h"
#include "dialogue/event.h"

namespace dialogue {

enum class Role { seeker, recommender };

// A span of a turn's text, [begin, end) in bytes, that names an item. An empty one says that the
// turn is about the item without a place that names it.
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
  std::string part_of;  // the conversation, where a corpus has several dialogues of one (other
                        // targets, the same turns); empty: none, the dialogue is all of it
  std::string seed;  // what the conversation began with: the first item or name; empty: not known
  std::vector<Turn> turns;
  // Turns whose items are to be recommended, in training and in evaluation, ascending. Items of
  // other turns are context only. Nothing: all of the recommender's turns.
  std::optional<std::vector<int>> targets;
  std::vector<Label> seeker_labels;       // the seeker's own form
  std::vector<Label> recommender_labels;  // the recommender's form
  std::vector<Event> events;
  std::optional<double> satisfaction;  // of the whole dialogue, where people said it

  // The seeker's label of an item, or null.
  const Label* seeker_label(int item) const;

  // The items that this turn is the first to name, in order of first mention.
  std::vector<int> new_items(std::size_t turn) const;

  // Whether the items of this turn are to be recommended.
  bool is_target(std::size_t turn) const;

  // The conversation that it is or is a part of.
  const std::string& conversation() const { return part_of.empty() ? id : part_of; }
};

// Something that a reader or a later stage cannot use, and how often it occurs.
struct Dropped {
  std::string what;  // "turns without words"
  std::int64_t count = 0;
};

struct Corpus {
  Catalogue catalogue;
  std::vector<Dialogue> dialogues;
  std::vector<Dropped> dropped = {};  // by the reader; only what occurs
};

// The turn's text with each mention replaced by the item's title; where a mention is empty the
// title comes after a space.
std::string written_out(const Turn& turn, const Catalogue& catalogue);

}  // namespace dialogue
