#pragma once

#include <optional>
#include <string>
#include <vector>

namespace dialogue {

// What a person did, besides words. Simulated and real people write the same events
// (attune.event/1, docs/formats.md).
struct Event {
  std::string type;             // impression, dwell, item_click, rating, accept, session_end, …
  std::string turn;             // id of the turn it is about; empty: the whole dialogue
  std::string item;             // the data set's item id; empty: none
  std::optional<double> time;   // seconds since the dialogue began
  std::optional<double> value;  // dwell: seconds; rating: -1 or 1
};

}  // namespace dialogue
