#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "dialogue/dialogue.h"

namespace corpus {

// How often a form says yes, no, or nothing.
struct Answers {
  std::int64_t yes = 0;
  std::int64_t no = 0;
  std::int64_t not_said = 0;
};

struct Statistics {
  std::int64_t dialogues = 0;
  std::int64_t messages = 0;      // turns as written
  std::int64_t merged_turns = 0;  // consecutive ones of one speaker counted once
  std::int64_t words = 0;         // split at spaces, a mention as one
  std::int64_t seeker_mentions = 0;
  std::int64_t recommender_mentions = 0;
  std::int64_t target_turns = 0;    // whose items are to be recommended, where they have any
  std::int64_t targets = 0;         // pairs of such a turn and an item
  std::int64_t distinct_items = 0;  // named in a turn
  std::int64_t seekers = 0;         // people known by id
  std::int64_t recommenders = 0;
  std::int64_t events = 0;
  Answers liked;              // the seeker's form, all its items
  Answers liked_suggested;    // of those it says were suggested
  std::int64_t timed = 0;     // dialogues with times
  double seconds_median = 0;  // length of timed dialogues, nearest rank
  double seconds_p95 = 0;
};

Statistics measure(const dialogue::Corpus& corpus);

// Of some dialogues only.
Statistics measure(const dialogue::Corpus& corpus, const std::vector<int>& dialogues);

base::Json to_json(const Statistics& statistics);

// Name and value of each line to print.
std::vector<std::pair<std::string, std::string>> describe(const Statistics& statistics);

}  // namespace corpus
