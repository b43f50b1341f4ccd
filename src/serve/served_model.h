#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dialogue/recommender.h"
#include "dialogue/sentiment.h"

namespace serve {

// What a ranking is asked for.
struct RankQuery {
  dialogue::State state;
  int top = 10;
  double diversity = 0;  // 0: the best items; up to 1: items unlike each other
  bool stated = false;   // only items of the years and genres that were last asked for
  bool repeats = false;  // items named in the dialogue, too
  bool explain = true;
  std::optional<int> first_year, last_year;
  std::vector<std::string> names;  // people, genres, …, all of which an item must have
  std::vector<int> never;
};

struct RankedItem {
  int item = 0;
  double log_prob = 0;
  std::vector<dialogue::Reason> reasons;
};

// A recommender with all that the server has to know of it.
struct ServedModel {
  std::string id;    // what requests call it
  std::string kind;  // "policy", "sft", "stub"
  std::string sha256;
  std::int64_t created_at = 0;  // ms since 1970
  std::int64_t context = 0;     // the most tokens that a prompt and its reply take
  const dialogue::Catalogue* catalogue = nullptr;
  dialogue::StateOptions state;
  // Reads a seeker's words; may be called from any thread, and may be empty.
  dialogue::SentimentFunction sentiment;
  // The best items that fit, best first. Called on the thread that owns the recommender. Throws
  // base::UsageError where a name is not known.
  std::function<std::vector<RankedItem>(dialogue::Recommender&, const RankQuery&)> rank;
};

// Milliseconds since 1970 at which a file was written last. Throws
// std::filesystem::filesystem_error where there is none.
std::int64_t written_at(const std::filesystem::path& file);

}  // namespace serve
